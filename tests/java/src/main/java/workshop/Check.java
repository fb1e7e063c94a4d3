package workshop;

import java.util.Objects;
import java.util.concurrent.Callable;

/** Runs steps, compares their results, and waits for conditions. */
final class Check {
    /** The time limit of a condition: Apache Kafka checks for timed-out transactions every 10 s. */
    private static final long DEADLINE_MS = 30_000;

    private Check() {}

    /** A step of a program: it throws if a result is wrong. */
    interface Step {
        void run() throws Exception;
    }

    /** Runs a step, and prints its name and its duration. */
    static void step(String name, Step step) throws Exception {
        long started = System.nanoTime();
        try {
            step.run();
        } catch (Exception | AssertionError failure) {
            System.out.println("FAILED  " + name);
            throw failure;
        }
        long millis = (System.nanoTime() - started) / 1_000_000;
        System.out.printf("ok      %s (%d ms)%n", name, millis);
    }

    static void equal(Object actual, Object expected) {
        if (!Objects.equals(actual, expected)) {
            throw new AssertionError(actual + " should be " + expected);
        }
    }

    /** Repeats a call until it returns the expected result. */
    static void becomes(Object expected, Callable<?> ask) throws Exception {
        long started = System.nanoTime();
        Object actual = ask.call();
        while (!Objects.equals(actual, expected)) {
            if ((System.nanoTime() - started) / 1_000_000 > DEADLINE_MS) {
                throw new AssertionError(actual + " never became " + expected);
            }
            Thread.sleep(20);
            actual = ask.call();
        }
    }

    /** Checks that the step fails with one of these exceptions, wrapped or not. */
    @SafeVarargs
    static void fails(Step step, Class<? extends Exception>... expected) throws Exception {
        try {
            step.run();
        } catch (Exception failure) {
            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                for (Class<? extends Exception> kind : expected) {
                    if (kind.isInstance(cause)) {
                        return;
                    }
                }
            }
            throw failure;
        }
        throw new AssertionError("it should have failed with " + expected[0].getSimpleName());
    }
}
