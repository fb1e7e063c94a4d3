package workshop;

import static workshop.Kafka.send;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;

/**
 * Checks groups of the consumer protocol (KIP-848) with Java's consumer. Takes the bootstrap
 * servers, prints each step, and exits with an error code if a result is wrong.
 */
public final class Groups {
    private final Kafka kafka;

    private Groups(Kafka kafka) {
        this.kafka = kafka;
    }

    /** Runs all steps. */
    public static void main(String[] arguments) throws Exception {
        try (Kafka kafka = new Kafka(arguments[0])) {
            Groups it = new Groups(kafka);
            Check.step("two members share a topic, and one continues alone", it::sharing);
        }
        System.out.println("all checks passed");
    }

    private void sharing() throws Exception {
        String topic = kafka.topic();
        String group = kafka.group();
        TopicPartition first = new TopicPartition(topic, 0);
        TopicPartition second = new TopicPartition(topic, 1);
        List<String> read = new ArrayList<>();
        try (KafkaProducer<String, String> producer = kafka.producer(kafka.name());
                KafkaConsumer<String, String> stays = kafka.member(group)) {
            try (KafkaConsumer<String, String> leaves = kafka.member(group)) {
                stays.subscribe(List.of(topic));
                Check.becomes(Set.of(first, second), () -> assigned(stays, read));
                leaves.subscribe(List.of(topic));
                Check.becomes(List.of(1, 1), () ->
                        List.of(assigned(stays, read).size(), assigned(leaves, read).size()));
                Check.equal(Collections.disjoint(stays.assignment(), leaves.assignment()), true);
                ConsumerGroupDescription described =
                        kafka.admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                Check.equal(described.type(), GroupType.CONSUMER);
                Check.equal(described.members().size(), 2);
                Check.becomes(GroupState.STABLE, () -> kafka.admin
                        .describeConsumerGroups(List.of(group)).all().get().get(group).groupState());

                transaction(producer, topic, "a1", "a2", "a3", "a4");
                Check.becomes(4, () -> {
                    assigned(stays, read);
                    assigned(leaves, read);
                    return read.size();
                });
                leaves.commitSync();
                stays.commitSync();
            }
            Check.becomes(Set.of(first, second), () -> assigned(stays, read));
            transaction(producer, topic, "b1", "b2", "b3", "b4");
            Check.becomes(8, () -> {
                assigned(stays, read);
                return read.size();
            });
        }
        Collections.sort(read);
        Check.equal(read, List.of("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"));
    }

    /** Lets a member join and read; returns its partitions. */
    private static Set<TopicPartition> assigned(
            KafkaConsumer<String, String> member, List<String> read) {
        for (ConsumerRecord<String, String> record : member.poll(Duration.ofMillis(50))) {
            read.add(record.value());
        }
        return member.assignment();
    }

    private static void transaction(
            KafkaProducer<String, String> producer, String topic, String... values) {
        producer.beginTransaction();
        send(producer, topic, values);
        producer.commitTransaction();
    }
}
