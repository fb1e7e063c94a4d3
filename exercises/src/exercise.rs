//! An exercise: where its files are, and the scenes that judge a program.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use crate::stage::Stage;

/// What a scene returns once it has made its points.
pub(crate) type Played<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// An exercise of a chapter.
#[derive(Debug)]
pub struct Exercise {
    /// The number of the chapter.
    pub chapter: u8,
    /// Its name without the number, such as `high-airports`. Progress is kept under this name,
    /// which never changes.
    pub slug: &'static str,
    /// One line for the list.
    pub title: &'static str,
    /// Whether its programs use a schema registry and the crate `serdes`.
    pub uses_schemas: bool,
    /// The scenes, in the order in which they are played. The program runs in each of them.
    pub scenes: &'static [Scene],
}

/// A run of the program on a fresh cluster, and the points that judge it.
#[derive(Debug)]
pub struct Scene {
    /// The circumstances, such as `on a healthy cluster`. The learner sees this name only in the
    /// verdict, so a program cannot prepare for a fault.
    pub name: &'static str,
    /// The engines on which the scene can be played.
    pub needs: Needs,
    pub(crate) play: fn(&mut Stage) -> Played<'_>,
}

/// The engines on which a scene can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any cluster of three nodes that can be killed and started.
    AnyEngine,
    /// The embedded cluster, because the scene changes responses.
    Embedded,
}

impl Exercise {
    /// Returns the name of its directory: `03-high-airports`.
    pub fn directory_name(&self) -> String {
        format!("{:02}-{}", self.chapter, self.slug)
    }

    /// Returns the name of its program: `03_high_airports`.
    pub fn program_name(&self) -> String {
        self.directory_name().replace('-', "_")
    }

    /// Returns its directory in a checkout of the workshop.
    pub fn directory(&self, checkout: &Path) -> PathBuf {
        checkout.join("exercises").join(self.directory_name())
    }
}

/// Makes a scene of an `async fn(&mut Stage) -> anyhow::Result<()>`.
macro_rules! scene {
    ($name:literal, $needs:ident, $play:path) => {
        $crate::exercise::Scene {
            name: $name,
            needs: $crate::exercise::Needs::$needs,
            play: |stage| ::std::boxed::Box::pin($play(stage)),
        }
    };
}
pub(crate) use scene;
