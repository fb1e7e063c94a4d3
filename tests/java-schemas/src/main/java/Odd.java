import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;

/**
 * Prints, for each line with a schema and the schemas that it refers to, its text as a new schema
 * ("new") and as one that is looked up ("known"), null if it is rejected. If the line has another
 * schema, it also prints whether the two are equal.
 */
public class Odd {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = mapper.readTree(line);
      ObjectNode answer = mapper.createObjectNode();
      answer.put("new", printed(asked, true));
      answer.put("known", printed(asked, false));
      if (asked.has("other") && !answer.get("known").isNull()) {
        Schema one = read(asked.get("schema").asText(), asked, false, new ArrayList<>());
        Schema other = new Schema.Parser().parse(asked.get("other").asText());
        answer.put("equal", one.equals(other));
      }
      out.println(mapper.writeValueAsString(answer));
    }
  }

  private static String printed(JsonNode asked, boolean isNew) {
    List<Schema> references = new ArrayList<>();
    try {
      Schema schema = read(asked.get("schema").asText(), asked, isNew, references);
      return schema.toString(references, false);
    } catch (Exception refused) {
      return null;
    }
  }

  @SuppressWarnings("deprecation")
  private static Schema read(
      String text, JsonNode asked, boolean isNew, List<Schema> references) {
    Schema.Parser parser = new Schema.Parser();
    parser.setValidateDefaults(isNew);
    for (JsonNode reference : asked.get("references")) {
      references.add(parser.parse(reference.asText()));
    }
    return parser.parse(text);
  }
}
