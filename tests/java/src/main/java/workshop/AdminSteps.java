package workshop;

import static workshop.Kafka.COMMITTED;
import static workshop.Kafka.send;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Describes and ends transactions as an administrator does (KIP-664). */
final class AdminSteps {
    private final Kafka kafka;

    AdminSteps(Kafka kafka) {
        this.kafka = kafka;
    }

    void describe() throws Exception {
        String topic = kafka.topic();
        String id = kafka.name();
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaProducer<String, String> producer = kafka.producer(id)) {
            producer.beginTransaction();
            send(producer, topic, "open");
            TransactionDescription open = description(id);
            Check.equal(open.state(), TransactionState.ONGOING);
            Check.equal(open.topicPartitions(), Set.of(partition));
            Check.equal(open.transactionTimeoutMs(), 60_000L);
            Check.equal(open.transactionStartTimeMs().isPresent(), true);
            Check.equal(listed(id, TransactionState.ONGOING), true);
            Check.equal(listed(id, TransactionState.EMPTY), false);
            ProducerState state = writers(partition).get(0);
            Check.equal(state.producerId(), open.producerId());
            Check.equal(state.producerEpoch(), open.producerEpoch());
            Check.equal(state.currentTransactionStartOffset(), OptionalLong.of(0));
            producer.commitTransaction();
            Check.becomes(TransactionState.COMPLETE_COMMIT, () -> description(id).state());
            Check.equal(listed(id, TransactionState.COMPLETE_COMMIT), true);
            OptionalLong none = OptionalLong.empty();
            Check.becomes(none, () -> writers(partition).get(0).currentTransactionStartOffset());
        }
    }

    private TransactionDescription description(String id) throws Exception {
        return kafka.admin.describeTransactions(List.of(id)).description(id).get();
    }

    private boolean listed(String id, TransactionState state) throws Exception {
        ListTransactionsOptions options =
                new ListTransactionsOptions().filterStates(Set.of(state));
        for (TransactionListing listing : kafka.admin.listTransactions(options).all().get()) {
            if (listing.transactionalId().equals(id)) {
                Check.equal(listing.state(), state);
                return true;
            }
        }
        return false;
    }

    private List<ProducerState> writers(TopicPartition partition) throws Exception {
        return kafka.admin
                .describeProducers(List.of(partition))
                .partitionResult(partition)
                .get()
                .activeProducers();
    }

    void fence() throws Exception {
        String topic = kafka.topic();
        String id = kafka.name();
        try (KafkaProducer<String, String> producer = kafka.producer(id)) {
            producer.beginTransaction();
            send(producer, topic, "fenced");
            kafka.admin.fenceProducers(List.of(id)).all().get();
            Check.fails(
                    producer::commitTransaction,
                    ProducerFencedException.class,
                    InvalidProducerEpochException.class);
        }
        Check.equal(kafka.read(topic, COMMITTED), List.of());
        Check.becomes(TransactionState.EMPTY, () -> description(id).state());
    }

    /** Writes the markers of a transaction that its coordinator no longer knows (WriteTxnMarkers). */
    void abort() throws Exception {
        String topic = kafka.topic();
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaProducer<String, String> producer = kafka.producer(kafka.name())) {
            producer.beginTransaction();
            send(producer, topic, "hanging");
            ProducerState state = writers(partition).get(0);
            AbortTransactionSpec spec = new AbortTransactionSpec(
                    partition, state.producerId(), (short) state.producerEpoch(), 0);
            try {
                kafka.admin.abortTransaction(spec).all().get();
            } catch (java.util.concurrent.ExecutionException failure) {
                if (failure.getCause() instanceof UnsupportedVersionException) {
                    System.out.println("        this cluster has no WriteTxnMarkers");
                    producer.abortTransaction();
                    return;
                }
                throw failure;
            }
            OptionalLong none = OptionalLong.empty();
            Check.becomes(none, () -> writers(partition).get(0).currentTransactionStartOffset());
            Check.equal(kafka.read(topic, COMMITTED), List.of());
            producer.abortTransaction();
        }
    }
}
