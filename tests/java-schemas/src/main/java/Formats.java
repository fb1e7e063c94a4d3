import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.AnyProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.WrappersProto;
import com.google.protobuf.util.JsonFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Prints, for each line with a schema, the value of a message, or the message of a value. Messages
 * are hexadecimal, without the five bytes of the prefix. A descriptor is base64, as in a registry's
 * response.
 */
public class Formats {
  private static final HexFormat HEX = HexFormat.of();
  private static final Map<String, FileDescriptor> KNOWN = Map.of(
      "google/protobuf/any.proto", AnyProto.getDescriptor(),
      "google/protobuf/duration.proto", DurationProto.getDescriptor(),
      "google/protobuf/field_mask.proto", FieldMaskProto.getDescriptor(),
      "google/protobuf/struct.proto", StructProto.getDescriptor(),
      "google/protobuf/timestamp.proto", TimestampProto.getDescriptor(),
      "google/protobuf/wrappers.proto", WrappersProto.getDescriptor());
  /** Reads and writes numbers with all their digits. */
  private static final ObjectMapper MAPPER = new ObjectMapper()
      .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
      .setNodeFactory(JsonNodeFactory.withExactBigDecimals(true));

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = MAPPER.readTree(line);
      ObjectNode answer = MAPPER.createObjectNode();
      try {
        if (asked.has("schema")) {
          json(asked, answer);
        } else {
          protobuf(asked, answer);
        }
      } catch (Exception error) {
        answer.put("error", error.toString());
      }
      System.out.println(MAPPER.writeValueAsString(answer));
    }
  }

  private static void json(JsonNode asked, ObjectNode answer) throws Exception {
    JsonNode value = MAPPER.readTree(HEX.parseHex(asked.get("bytes").asText()));
    var schema = JsonSchemaFactory.getInstance(VersionFlag.V7).getSchema(asked.get("schema").asText());
    answer.put("violations", schema.validate(value).size());
    answer.put("text", value.toString());
  }

  private static void protobuf(JsonNode asked, ObjectNode answer) throws Exception {
    byte[] descriptor = Base64.getDecoder().decode(asked.get("descriptor").asText());
    FileDescriptorProto proto = FileDescriptorProto.parseFrom(descriptor);
    List<FileDescriptor> imports = new ArrayList<>();
    for (String name : proto.getDependencyList()) {
      imports.add(KNOWN.get(name));
    }
    FileDescriptor file = FileDescriptor.buildFrom(proto, imports.toArray(new FileDescriptor[0]));
    TypeRegistry types = TypeRegistry.newBuilder()
        .add(file.getMessageTypes()).add(TimestampProto.getDescriptor().getMessageTypes()).build();
    if (asked.has("value")) {
      Descriptor message = null;
      for (String name : asked.get("message").asText().split("\\.")) {
        message = message == null ? file.findMessageTypeByName(name) : message.findNestedTypeByName(name);
      }
      DynamicMessage.Builder builder = DynamicMessage.newBuilder(message);
      JsonFormat.parser().usingTypeRegistry(types).merge(asked.get("value").toString(), builder);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.write(positions(message));
      bytes.write(builder.build().toByteArray());
      answer.put("bytes", HEX.formatHex(bytes.toByteArray()));
      return;
    }
    CodedInputStream bytes = CodedInputStream.newInstance(HEX.parseHex(asked.get("bytes").asText()));
    int count = Math.max(1, bytes.readSInt32());
    Descriptor message = null;
    for (int at = 0; at < count; at++) {
      // A single position of 0 is encoded as a count of 0.
      int position = bytes.getTotalBytesRead() == 1 && count == 1 && asked.get("bytes").asText().startsWith("00")
          ? 0 : bytes.readSInt32();
      message = message == null ? file.getMessageTypes().get(position) : message.getNestedTypes().get(position);
    }
    DynamicMessage read = DynamicMessage.parseFrom(message, bytes);
    String printed = JsonFormat.printer().usingTypeRegistry(types).omittingInsignificantWhitespace().print(read);
    answer.put("message", message.getFullName());
    answer.set("value", MAPPER.readTree(printed));
    answer.put("unknown", read.getUnknownFields().asMap().size());
  }

  private static byte[] positions(Descriptor message) throws Exception {
    ArrayList<Integer> positions = new ArrayList<>();
    for (Descriptor at = message; at != null; at = at.getContainingType()) {
      positions.add(0, at.getIndex());
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    if (positions.equals(List.of(0))) {
      out.writeSInt32NoTag(0);
    } else {
      out.writeSInt32NoTag(positions.size());
      for (int position : positions) {
        out.writeSInt32NoTag(position);
      }
    }
    out.flush();
    return bytes.toByteArray();
  }
}
