//! Plays the scenes of an exercise with a program, and makes the verdict.

use std::time::{Duration, Instant};

use crate::cluster::{SceneCluster, Venue};
use crate::exercise::{Exercise, Needs, Scene};
use crate::program::Program;
use crate::stage::Stage;
use crate::verdict::{Point, SceneVerdict, Verdict};

/// The most time for one scene, whatever the program does.
const SCENE_LIMIT: Duration = Duration::from_secs(120);

/// Plays all scenes one after the other, and ends after the first that does not hold: what a
/// program does under a fault says little while it is wrong without one.
///
/// `after_scene` gets each scene's verdict as soon as there is one.
///
/// # Errors
/// The command cannot be started, or the cluster does not respond. A program that is wrong in any
/// way gets a verdict, not an error.
pub async fn judge(
    exercise: &Exercise,
    program: &Program,
    venue: &Venue,
    mut after_scene: impl FnMut(&SceneVerdict),
) -> anyhow::Result<Verdict> {
    let mut scenes = Vec::new();
    for scene in exercise.scenes {
        let verdict = play(scene, program, venue).await?;
        after_scene(&verdict);
        let holds = verdict.holds();
        scenes.push(verdict);
        if !holds {
            break;
        }
    }
    Ok(Verdict { exercise: exercise.directory_name(), scenes })
}

async fn play(scene: &Scene, program: &Program, venue: &Venue) -> anyhow::Result<SceneVerdict> {
    let begin = Instant::now();
    let mut verdict = SceneVerdict {
        scene: scene.name.to_owned(),
        points: Vec::new(),
        ledger: None,
        printed: String::new(),
        elapsed: Duration::ZERO,
        skipped: None,
    };
    if scene.needs == Needs::Embedded && matches!(venue, Venue::Shared(_)) {
        verdict.skipped = Some("only the embedded cluster can cause this fault".to_owned());
        return Ok(verdict);
    }
    let cluster = SceneCluster::at(venue).await?;
    let mut stage = Stage::new(cluster.clone(), program);
    let played = tokio::time::timeout(SCENE_LIMIT, (scene.play)(&mut stage)).await;
    let finished = stage.finish();
    clean_up(cluster, &finished.topics).await?;
    verdict.points = finished.points;
    verdict.printed = finished.printed;
    verdict.ledger = finished.ledger;
    verdict.elapsed = begin.elapsed();
    match played {
        Ok(played) => played?,
        Err(_) => verdict.points.push(out_of_time()),
    }
    Ok(verdict)
}

fn out_of_time() -> Point {
    Point {
        asked: "the scene ends in time".to_owned(),
        holds: false,
        found: format!("it was still running after {} s", SCENE_LIMIT.as_secs()),
        expected: "its end".to_owned(),
        why: String::new(),
        read: String::new(),
    }
}

/// Stops an embedded cluster. On a shared one, starts the nodes that the scene stopped, and deletes
/// its topics.
async fn clean_up(cluster: SceneCluster, topics: &[String]) -> anyhow::Result<()> {
    let SceneCluster::Shared(shared) = &cluster else { return Ok(()) };
    for node in shared.nodes() {
        // It fails for each node that runs.
        let _ = shared.start_node(node.id).await;
    }
    for topic in topics {
        // The program may have deleted it, or it may never have existed.
        let _ = helpers::delete_topic(shared.bootstrap_servers(), topic).await;
    }
    Ok(())
}
