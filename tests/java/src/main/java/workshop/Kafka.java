package workshop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The clients of one cluster, and unique names. It deletes everything that it has created. */
final class Kafka implements AutoCloseable {
    static final String COMMITTED = "read_committed";
    static final String UNCOMMITTED = "read_uncommitted";
    static final int PARTITIONS = 2;

    final Admin admin;
    private final String servers;
    private final List<String> topics = new ArrayList<>();
    private final List<String> groups = new ArrayList<>();

    Kafka(String servers) {
        this.servers = servers;
        this.admin = Admin.create(Map.of("bootstrap.servers", servers));
    }

    String name() {
        return "test-" + UUID.randomUUID();
    }

    String group() {
        String group = name();
        groups.add(group);
        return group;
    }

    /** Creates a topic. */
    String topic() throws Exception {
        String topic = name();
        admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 3))).all().get();
        topics.add(topic);
        return topic;
    }

    /** Creates a transactional producer that has its id. */
    KafkaProducer<String, String> producer(String id, int timeoutMs) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", servers);
        config.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, id);
        config.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, timeoutMs);
        KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        return producer;
    }

    KafkaProducer<String, String> producer(String id) {
        return producer(id, 60_000);
    }

    /** Creates a consumer that commits only explicitly. */
    KafkaConsumer<String, String> consumer(String group, String isolation) {
        return new KafkaConsumer<>(
                reading(group, isolation), new StringDeserializer(), new StringDeserializer());
    }

    /** Creates a member of a group of the consumer protocol (KIP-848). */
    KafkaConsumer<String, String> member(String group) {
        Map<String, Object> config = reading(group, COMMITTED);
        config.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "consumer");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private Map<String, Object> reading(String group, String isolation) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", servers);
        config.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        config.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 100);
        return config;
    }

    /** Sends a record for each value, to each partition in turn, and waits for the acknowledgments. */
    static void send(KafkaProducer<String, String> producer, String topic, String... values) {
        for (int at = 0; at < values.length; at++) {
            producer.send(new ProducerRecord<>(topic, at % PARTITIONS, null, values[at]));
        }
        producer.flush();
    }

    /** Reads all values up to the end that the reader can see, in alphabetical order. */
    List<String> read(String topic, String isolation) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int at = 0; at < PARTITIONS; at++) {
            partitions.add(new TopicPartition(topic, at));
        }
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(null, isolation)) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (!ends.keySet().stream().allMatch(it -> consumer.position(it) >= ends.get(it))) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    values.add(record.value());
                }
            }
        }
        Collections.sort(values);
        return values;
    }

    @Override
    public void close() throws Exception {
        admin.deleteTopics(topics).all().get();
        for (String group : groups) {
            Check.becomes(true, () -> {
                try {
                    admin.deleteConsumerGroups(List.of(group)).all().get();
                    return true;
                } catch (java.util.concurrent.ExecutionException failure) {
                    // A member that has just left may still be listed, and a group may never have existed.
                    return failure.getCause()
                            instanceof org.apache.kafka.common.errors.GroupIdNotFoundException;
                }
            });
        }
        admin.close();
    }
}
