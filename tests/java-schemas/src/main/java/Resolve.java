import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Prints, for each line with a writer's and a reader's schema, the values that Java reads with the
 * reader's schema from bytes of the writer's. The bytes are those of the line or, if it has none,
 * those of a few values of the writer's schema.
 *
 * <p>Values are JSON: a number with its type, floats as their bits, bytes in hexadecimal, a record
 * or a map as {"of": {...}}, and everything that is text for a Rust program as text: symbols,
 * decimals, UUIDs.
 */
public class Resolve {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    java.io.PrintStream out = new java.io.PrintStream(System.out, true, "UTF-8");
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      out.println(MAPPER.writeValueAsString(answer((ObjectNode) MAPPER.readTree(line))));
    }
  }

  private static ObjectNode answer(ObjectNode asked) throws Exception {
    Schema writer = new Schema.Parser().parse(asked.get("writer").asText());
    Schema reader = new Schema.Parser().parse(asked.get("reader").asText());
    try {
      SchemaCompatibilityType type =
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType();
      asked.put("compatible", type == SchemaCompatibilityType.COMPATIBLE);
    } catch (AvroRuntimeException ambiguous) {
      // One of the reader's fields matches two of the writer's.
      asked.putNull("compatible");
    }
    ArrayNode cases = JSON.arrayNode();
    JsonNode given = asked.remove("bytes");
    if (given != null) {
      cases.add(read(writer, reader, unhex(given.asText())));
    } else {
      for (Object value : Values.of(writer)) {
        cases.add(read(writer, reader, write(writer, value)));
      }
    }
    asked.set("cases", cases);
    return asked;
  }

  private static byte[] write(Schema schema, Object value) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(value, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  private static ObjectNode read(Schema writer, Schema reader, byte[] bytes) {
    ObjectNode read = JSON.objectNode();
    read.put("bytes", hex(bytes));
    try {
      BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
      Object value = new GenericDatumReader<Object>(writer, reader).read(null, decoder);
      if (!decoder.isEnd()) {
        throw new IllegalStateException("bytes are left");
      }
      read.set("value", shown(reader, value));
    } catch (Exception error) {
      read.put("error", error.getClass().getSimpleName());
    }
    return read;
  }

  private static JsonNode shown(Schema schema, Object value) {
    LogicalType logical = schema.getLogicalType();
    String name = logical == null ? "" : logical.getName();
    switch (schema.getType()) {
      case NULL:
        return JSON.nullNode();
      case BOOLEAN:
        return JSON.booleanNode((Boolean) value);
      case INT:
        return JSON.objectNode().put("int", (Integer) value);
      case LONG:
        return JSON.objectNode().put("long", (Long) value);
      case FLOAT:
        int bits = Float.floatToRawIntBits((Float) value);
        return JSON.objectNode().put("float", String.format("%08x", bits));
      case DOUBLE:
        long more = Double.doubleToRawLongBits((Double) value);
        return JSON.objectNode().put("double", String.format("%016x", more));
      case STRING:
      case ENUM:
        return JSON.textNode(value.toString());
      case BYTES:
        ByteBuffer buffer = ((ByteBuffer) value).duplicate();
        if (name.equals("decimal")) {
          return JSON.textNode(
              new Conversions.DecimalConversion().fromBytes(buffer, schema, logical).toPlainString());
        }
        if (name.equals("big-decimal")) {
          return JSON.textNode(
              new Conversions.BigDecimalConversion().fromBytes(buffer, schema, logical).toPlainString());
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return JSON.objectNode().put("bytes", hex(bytes));
      case FIXED:
        GenericFixed fixed = (GenericFixed) value;
        if (name.equals("decimal")) {
          return JSON.textNode(
              new Conversions.DecimalConversion().fromFixed(fixed, schema, logical).toPlainString());
        }
        if (name.equals("uuid")) {
          return JSON.textNode(
              new Conversions.UUIDConversion().fromFixed(fixed, schema, logical).toString());
        }
        return JSON.objectNode().put("bytes", hex(fixed.bytes()));
      case ARRAY:
        ArrayNode items = JSON.arrayNode();
        for (Object item : (Iterable<?>) value) {
          items.add(shown(schema.getElementType(), item));
        }
        return items;
      case MAP:
        TreeMap<String, JsonNode> entries = new TreeMap<>();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
          entries.put(entry.getKey().toString(), shown(schema.getValueType(), entry.getValue()));
        }
        return JSON.objectNode().set("of", JSON.objectNode().setAll(entries));
      case RECORD:
        ObjectNode fields = JSON.objectNode();
        for (Schema.Field field : schema.getFields()) {
          fields.set(field.name(), shown(field.schema(), ((IndexedRecord) value).get(field.pos())));
        }
        return JSON.objectNode().set("of", fields);
      default:
        List<Schema> branches = schema.getTypes();
        return shown(branches.get(GenericData.get().resolveUnion(schema, value)), value);
    }
  }

  private static String hex(byte[] bytes) {
    StringBuilder hex = new StringBuilder();
    for (byte it : bytes) {
      hex.append(String.format("%02x", it));
    }
    return hex.toString();
  }

  private static byte[] unhex(String hex) {
    byte[] bytes = new byte[hex.length() / 2];
    for (int at = 0; at < bytes.length; at++) {
      bytes[at] = (byte) Integer.parseInt(hex.substring(2 * at, 2 * at + 2), 16);
    }
    return bytes;
  }
}
