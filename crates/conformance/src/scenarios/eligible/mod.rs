//! The eligible leader replicas of a partition (ELR, KIP-966), while nodes stop, die and return.
//!
//! The partitions are on nodes 1 and 2, and node 3 responds. If both of them are down, the three
//! controllers of Apache Kafka have no quorum, so a scenario looks again when one has returned.

mod cast;

use self::cast::Cast;
use crate::failure::Failure;
use crate::nodes::NodeChange::{Kill, Start, Stop};
use crate::scenario::{Outcome, Scenario, area};
use crate::scene::Scene;

area!("eligible":
    a_follower_stops,
    a_leader_stops,
    a_follower_dies,
    enough_are_in_sync,
    more_are_required_than_there_are,
    the_minimum_changes,
    the_only_replica_stops,
    the_only_replica_dies,
    both_stop_and_the_eligible_one_returns,
    both_die_and_the_one_that_may_lack_records_returns,
    the_leader_stops_after_a_dead_follower,
    an_unclean_election_where_another_one_is_eligible,
    an_unclean_election_by_request,
);

/// Returns the scenarios, which stop nodes.
pub(super) fn all() -> Vec<Scenario> {
    scenarios().into_iter().map(Scenario::with_nodes).collect()
}

fn a_follower_stops(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.change(2, Stop)?;
    let without = cast.in_sync(1)?;
    cast.change(2, Start)?;
    Ok(format!("{without}; back: {}", cast.in_sync(2)?))
}

fn a_leader_stops(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.change(1, Stop)?;
    let without = cast.in_sync(1)?;
    cast.change(1, Start)?;
    Ok(format!("{without}; back: {}", cast.in_sync(2)?))
}

fn a_follower_dies(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.change(2, Kill)?;
    let without = cast.in_sync(1)?;
    cast.change(2, Start)?;
    Ok(format!("{without}; back: {}", cast.in_sync(2)?))
}

fn enough_are_in_sync(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "1")?;
    cast.change(2, Stop)?;
    cast.in_sync(1)
}

fn more_are_required_than_there_are(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "5")?;
    let before = cast.in_sync(2)?;
    cast.change(2, Stop)?;
    Ok(format!("{before}; without one: {}", cast.in_sync(1)?))
}

fn the_minimum_changes(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.change(2, Stop)?;
    let two = cast.in_sync(1)?;
    cast.set("min.insync.replicas", "1")?;
    let one = cast.until("no one is eligible", |it| cast::eligible(it).is_empty())?;
    cast.set("min.insync.replicas", "2")?;
    Ok(format!("2: {two}; 1: {one}; 2 again: {}", cast.in_sync(1)?))
}

fn the_only_replica_stops(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1], "1")?;
    cast.append(-1)?;
    cast.change(1, Stop)?;
    let without = cast.in_sync(0)?;
    cast.change(1, Start)?;
    Ok(format!("{without}; back: {}, {}", cast.in_sync(1)?, cast.end()?))
}

fn the_only_replica_dies(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1], "1")?;
    cast.append(-1)?;
    cast.change(1, Kill)?;
    let without = cast.in_sync(0)?;
    cast.change(1, Start)?;
    Ok(format!("{without}; back: {}, {}", cast.in_sync(1)?, cast.end()?))
}

fn both_stop_and_the_eligible_one_returns(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.append(-1)?;
    // With too few in sync, the high watermark stays where the next leader knows it.
    cast.wait_for_high_watermark(2, 1)?;
    cast.change(2, Stop)?;
    cast.in_sync(1)?;
    let refused = cast.append(-1)?;
    cast.change(1, Stop)?;
    cast.change(2, Start)?;
    let one = cast.until("node 2 leads", |it| it.leader_id == 2)?;
    let kept = cast.end()?;
    cast.change(1, Start)?;
    Ok(format!("{refused}; {one}, {kept}; back: {}, {}", cast.in_sync(2)?, cast.end()?))
}

/// Kills both, one after the other. The first one returns, and may have lost records.
fn both_die_and_the_one_that_may_lack_records_returns(scene: &Scene) -> Outcome {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.append(-1)?;
    cast.change(2, Kill)?;
    cast.in_sync(1)?;
    cast.change(1, Kill)?;
    cast.change(2, Start)?;
    let one = cast.offline(&[1])?;
    cast.change(1, Start)?;
    Ok(format!("{one}; back: {}, {}", cast.in_sync(2)?, cast.end()?))
}

/// Kills node 2, and stops node 1, which has a record that node 2 lacks. Then node 2 returns, which
/// is not eligible; node 1 is.
fn only_node_1_is_eligible<'a>(scene: &'a Scene, is_unclean: &str) -> Result<Cast<'a>, Failure> {
    let cast = Cast::new(scene, &[1, 2], "2")?;
    cast.set("unclean.leader.election.enable", is_unclean)?;
    cast.append(-1)?;
    cast.change(2, Kill)?;
    cast.in_sync(1)?;
    cast.append(1)?;
    cast.change(1, Stop)?;
    cast.change(2, Start)?;
    Ok(cast)
}

fn the_leader_stops_after_a_dead_follower(scene: &Scene) -> Outcome {
    let cast = only_node_1_is_eligible(scene, "false")?;
    let state = cast.offline(&[1])?;
    cast.change(1, Start)?;
    Ok(format!("{state}; back: {}, {}", cast.in_sync(2)?, cast.end()?))
}

fn an_unclean_election_where_another_one_is_eligible(scene: &Scene) -> Outcome {
    let cast = only_node_1_is_eligible(scene, "true")?;
    let unclean = cast.until("node 2 leads", |it| it.leader_id == 2)?;
    cast.change(1, Start)?;
    Ok(format!("{unclean}; back: {}, {}", cast.in_sync(2)?, cast.end()?))
}

fn an_unclean_election_by_request(scene: &Scene) -> Outcome {
    let cast = only_node_1_is_eligible(scene, "false")?;
    let state = cast.offline(&[1])?;
    let elected = cast.elect_uncleanly()?;
    let unclean = cast.until("node 2 leads", |it| it.leader_id == 2)?;
    cast.change(1, Start)?;
    let back = cast.in_sync(2)?;
    Ok(format!("{state}; {elected}: {unclean}; back: {back}, {}", cast.end()?))
}
