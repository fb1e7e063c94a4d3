import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;

/**
 * Prints, for each line with a reader's and a writer's schema, whether the reader can resolve the
 * writer's data, and the printed form of the reader's schema.
 */
public class Check {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = mapper.readTree(line);
      Schema reader = new Schema.Parser().parse(asked.get("reader").asText());
      Schema writer = new Schema.Parser().parse(asked.get("writer").asText());
      SchemaCompatibilityType type =
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType();
      ObjectNode answer = mapper.createObjectNode();
      answer.put("compatible", type == SchemaCompatibilityType.COMPATIBLE);
      answer.put("canonical", reader.toString());
      System.out.println(mapper.writeValueAsString(answer));
    }
  }
}
