//! How random histories are run: the same cases each time, or more of them and others on request.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The seed where no one asks for another.
const SEED: u64 = 1;

/// Which cases are run.
#[derive(Debug, Clone, Copy)]
pub struct Cases {
    /// How many.
    pub count: u32,
    /// What chooses them. Printed, so that they can come again.
    pub seed: u64,
}

impl Cases {
    /// `count` cases, the same each time; or as many as `MODEL_CASES` says, which are random ones.
    /// `MODEL_SEED` chooses them in both.
    ///
    /// # Panics
    /// When one of the two is set to something else than a number.
    pub fn from_environment(count: u32) -> Self {
        let wanted = setting("MODEL_CASES");
        let random = || uuid::Uuid::new_v4().as_u128() as u64;
        let seed = setting("MODEL_SEED").unwrap_or_else(|| wanted.map_or(SEED, |_| random()));
        println!("MODEL_SEED={seed}");
        Self { count: wanted.map_or(count, |wanted| wanted as u32), seed }
    }

    /// What runs them.
    pub fn runner(self) -> TestRunner {
        let config = Config {
            cases: self.count,
            // Each try starts a cluster. What is left after a minute is short enough.
            max_shrink_iters: 2_000,
            max_shrink_time: 60_000,
            failure_persistence: None,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value}")))
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next number, smaller than `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
