import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;

/** Makes a few values of a schema, including unusual ones: the same ones each time. */
final class Values {
  private static final int DEEPEST = 3;

  private Values() {}

  static List<Object> of(Schema schema) {
    return of(schema, 0);
  }

  private static List<Object> of(Schema schema, int depth) {
    LogicalType logical = schema.getLogicalType();
    String name = logical == null ? "" : logical.getName();
    switch (schema.getType()) {
      case NULL:
        return Collections.singletonList(null);
      case BOOLEAN:
        return Arrays.asList(true, false);
      case INT:
        return Arrays.asList(1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 16777217);
      case LONG:
        return Arrays.asList(1L, -1L, Long.MAX_VALUE, Long.MIN_VALUE, 9007199254740993L);
      case FLOAT:
        return Arrays.asList(
            0.1f, -0.0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, Float.MIN_VALUE);
      case DOUBLE:
        return Arrays.asList(
            0.1, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.MAX_VALUE, Double.MIN_VALUE);
      case STRING:
        if (name.equals("uuid")) {
          return Collections.singletonList("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
        }
        return Arrays.asList("WS104 \u2708", "", "\ud83d\ude80 \u0000");
      case BYTES:
        return bytes(name);
      case FIXED:
        return fixed(schema, name);
      case ENUM:
        List<Object> symbols = new ArrayList<>();
        for (String symbol : schema.getEnumSymbols()) {
          symbols.add(new GenericData.EnumSymbol(schema, symbol));
        }
        return symbols;
      case ARRAY:
        List<Object> items = depth > DEEPEST ? List.of() : of(schema.getElementType(), depth + 1);
        return Arrays.asList(items, new ArrayList<>());
      case MAP:
        Map<String, Object> entries = new LinkedHashMap<>();
        if (depth <= DEEPEST) {
          for (Object value : of(schema.getValueType(), depth + 1)) {
            entries.put("k \u2708" + entries.size(), value);
          }
        }
        return Arrays.asList(entries, new LinkedHashMap<>());
      case RECORD:
        return records(schema, depth);
      default:
        return branches(schema, depth);
    }
  }

  private static List<Object> bytes(String logical) {
    List<Object> values = new ArrayList<>();
    if (logical.equals("decimal")) {
      for (String number : new String[] {"0", "1", "-1", "1234", "-1234", "127", "128", "-128"}) {
        values.add(ByteBuffer.wrap(new BigInteger(number).toByteArray()));
      }
    } else if (logical.equals("big-decimal")) {
      for (String number : new String[] {"0", "-12.50", "0.001", "12345678901234567890.5"}) {
        values.add(new Conversions.BigDecimalConversion().toBytes(new BigDecimal(number), null, null));
      }
    } else {
      values.add(ByteBuffer.wrap("WS104 \u2708".getBytes(StandardCharsets.UTF_8)));
      values.add(ByteBuffer.wrap(new byte[0]));
      values.add(ByteBuffer.wrap(new byte[] {0, (byte) 0xff, (byte) 0xfe}));
    }
    return values;
  }

  private static List<Object> fixed(Schema schema, String logical) {
    byte[] rising = new byte[schema.getFixedSize()];
    byte[] negative = new byte[schema.getFixedSize()];
    Arrays.fill(negative, (byte) 0xff);
    for (int at = 0; at < rising.length && !logical.equals("decimal"); at++) {
      rising[at] = (byte) (at * 17);
    }
    if (rising.length > 0 && logical.equals("decimal")) {
      rising[rising.length - 1] = 5;
    }
    return Arrays.asList(
        new GenericData.Fixed(schema, rising), new GenericData.Fixed(schema, negative));
  }

  /**
   * Makes as many records as the field with the most values has: each value is in one of them, and
   * fields of the same type differ.
   */
  private static List<Object> records(Schema schema, int depth) {
    List<List<Object>> fields = new ArrayList<>();
    int most = 1;
    for (Schema.Field field : schema.getFields()) {
      List<Object> values = of(field.schema(), depth + 1);
      fields.add(values);
      most = Math.max(most, values.size());
    }
    List<Object> records = new ArrayList<>();
    for (int at = 0; at < (depth > DEEPEST ? 1 : most); at++) {
      GenericData.Record record = new GenericData.Record(schema);
      for (int field = 0; field < fields.size(); field++) {
        record.put(field, fields.get(field).get((at + field) % fields.get(field).size()));
      }
      records.add(record);
    }
    return records;
  }

  private static List<Object> branches(Schema schema, int depth) {
    List<Object> values = new ArrayList<>();
    for (Schema branch : schema.getTypes()) {
      boolean ends = branch.getType() == Schema.Type.NULL;
      if (depth <= DEEPEST || ends) {
        values.addAll(of(branch, depth + 1));
      }
    }
    if (values.isEmpty()) {
      values.addAll(of(schema.getTypes().get(0), depth + 1));
    }
    return values;
  }
}
