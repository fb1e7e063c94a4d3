package workshop;

import static workshop.Kafka.COMMITTED;
import static workshop.Kafka.UNCOMMITTED;
import static workshop.Kafka.send;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.errors.ProducerFencedException;

/**
 * Checks transactions with Java's clients. Takes the bootstrap servers, prints each step, and exits
 * with an error code if a result is wrong.
 */
public final class Transactions {
    private final Kafka kafka;

    private Transactions(Kafka kafka) {
        this.kafka = kafka;
    }

    /** Runs all steps. */
    public static void main(String[] arguments) throws Exception {
        try (Kafka kafka = new Kafka(arguments[0])) {
            Transactions it = new Transactions(kafka);
            Check.step("committed records are read, aborted ones are not", it::commitAndAbort);
            Check.step("an open transaction blocks readers of committed records", it::openTransaction);
            Check.step("offsets are committed with the transaction or not at all", it::offsets);
            Check.step("a member of an old generation commits nothing", it::oldGeneration);
            Check.step("a second producer fences the first", it::fencing);
            Check.step("a transaction that exceeds its timeout is aborted", it::timeout);
            AdminSteps admin = new AdminSteps(kafka);
            Check.step("an administrator sees the open transaction", admin::describe);
            Check.step("an administrator fences a producer", admin::fence);
            Check.step("an administrator aborts one transaction", admin::abort);
        }
        System.out.println("all checks passed");
    }

    private void commitAndAbort() throws Exception {
        String topic = kafka.topic();
        try (KafkaProducer<String, String> producer = kafka.producer(kafka.name())) {
            producer.beginTransaction();
            send(producer, topic, "a1", "a2", "a3");
            producer.commitTransaction();
            producer.beginTransaction();
            send(producer, topic, "b1", "b2", "b3");
            producer.abortTransaction();
            producer.beginTransaction();
            send(producer, topic, "c1");
            producer.commitTransaction();
        }
        Check.becomes(List.of("a1", "a2", "a3", "c1"), () -> kafka.read(topic, COMMITTED));
        List<String> all = List.of("a1", "a2", "a3", "b1", "b2", "b3", "c1");
        Check.equal(kafka.read(topic, UNCOMMITTED), all);
    }

    private void openTransaction() throws Exception {
        String topic = kafka.topic();
        try (KafkaProducer<String, String> open = kafka.producer(kafka.name());
                KafkaProducer<String, String> other = kafka.producer(kafka.name())) {
            open.beginTransaction();
            send(open, topic, "open");
            other.beginTransaction();
            send(other, topic, "behind it");
            other.commitTransaction();
            Check.equal(kafka.read(topic, COMMITTED), List.of());
            Check.equal(kafka.read(topic, UNCOMMITTED), List.of("behind it", "open"));
            open.commitTransaction();
        }
        Check.becomes(List.of("behind it", "open"), () -> kafka.read(topic, COMMITTED));
    }

    private void offsets() throws Exception {
        String input = kafka.topic();
        String output = kafka.topic();
        TopicPartition partition = new TopicPartition(input, 0);
        try (KafkaProducer<String, String> producer = kafka.producer(kafka.name());
                KafkaConsumer<String, String> consumer = kafka.consumer(kafka.group(), COMMITTED)) {
            producer.beginTransaction();
            send(producer, input, "a");
            producer.commitTransaction();
            consumer.subscribe(List.of(input));
            for (boolean commit : new boolean[] {false, true}) {
                Check.becomes("a", () -> next(consumer));
                producer.beginTransaction();
                send(producer, output, commit ? "A" : "nothing");
                OffsetAndMetadata offset = new OffsetAndMetadata(consumer.position(partition));
                producer.sendOffsetsToTransaction(
                        Map.of(partition, offset), consumer.groupMetadata());
                if (commit) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                    consumer.seekToBeginning(List.of(partition));
                }
                // It waits until the transaction has also ended in the group's log.
                OffsetAndMetadata committed = consumer.committed(Set.of(partition)).get(partition);
                Check.equal(committed, commit ? offset : null);
            }
        }
        Check.becomes(List.of("A"), () -> kafka.read(output, COMMITTED));
        Check.equal(kafka.read(output, UNCOMMITTED), List.of("A", "nothing"));
    }

    private static String next(KafkaConsumer<String, String> consumer) {
        for (var record : consumer.poll(Duration.ofMillis(100))) {
            return record.value();
        }
        return null;
    }

    private void oldGeneration() throws Exception {
        String topic = kafka.topic();
        TopicPartition partition = new TopicPartition(topic, 0);
        Map<TopicPartition, OffsetAndMetadata> offsets =
                Map.of(partition, new OffsetAndMetadata(7));
        try (KafkaProducer<String, String> producer = kafka.producer(kafka.name());
                KafkaConsumer<String, String> consumer = kafka.consumer(kafka.group(), COMMITTED)) {
            consumer.subscribe(List.of(topic));
            Check.becomes(Kafka.PARTITIONS, () -> {
                consumer.poll(Duration.ofMillis(100));
                return consumer.assignment().size();
            });
            ConsumerGroupMetadata now = consumer.groupMetadata();
            for (ConsumerGroupMetadata zombie : List.of(
                    metadata(now, now.generationId() - 1, now.memberId()),
                    metadata(now, now.generationId(), "somebody-else"))) {
                producer.beginTransaction();
                Check.fails(
                        () -> producer.sendOffsetsToTransaction(offsets, zombie),
                        CommitFailedException.class);
                producer.abortTransaction();
            }
            Check.equal(consumer.committed(Set.of(partition)).get(partition), null);
        }
    }

    @SuppressWarnings("removal")
    private static ConsumerGroupMetadata metadata(
            ConsumerGroupMetadata of, int generation, String member) {
        return new ConsumerGroupMetadata(of.groupId(), generation, member, Optional.empty());
    }

    private void fencing() throws Exception {
        String topic = kafka.topic();
        String id = kafka.name();
        try (KafkaProducer<String, String> zombie = kafka.producer(id)) {
            zombie.beginTransaction();
            send(zombie, topic, "zombie");
            try (KafkaProducer<String, String> successor = kafka.producer(id)) {
                successor.beginTransaction();
                send(successor, topic, "successor");
                successor.commitTransaction();
            }
            Check.fails(zombie::commitTransaction, ProducerFencedException.class);
        }
        Check.becomes(List.of("successor"), () -> kafka.read(topic, COMMITTED));
        Check.equal(kafka.read(topic, UNCOMMITTED), List.of("successor", "zombie"));
    }

    private void timeout() throws Exception {
        String topic = kafka.topic();
        try (KafkaProducer<String, String> slow = kafka.producer(kafka.name(), 1_000);
                KafkaProducer<String, String> prompt = kafka.producer(kafka.name())) {
            slow.beginTransaction();
            send(slow, topic, "late");
            prompt.beginTransaction();
            send(prompt, topic, "in time");
            prompt.commitTransaction();
            Check.becomes(List.of("in time"), () -> kafka.read(topic, COMMITTED));
            // With transaction.version 2, the coordinator considers it a retry of another end.
            Check.fails(
                    slow::commitTransaction,
                    ProducerFencedException.class,
                    InvalidTxnStateException.class);
        }
    }
}
