#![allow(clippy::unwrap_used)]
use crossdock_rules::lookup::Keys;
use crossdock_rules::safeguards::Safeguards;
use crossdock_worlds::histories::{echo_world, histories, world};
use crossdock_worlds::walker::{Counts, shortest, walk};
use crossdock_worlds::world::Setting;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let keys = match args[1].as_str() { "h" => Keys::Honoured, "f" => Keys::Find, _ => Keys::None };
    let outcomes: u8 = args[2].parse().unwrap();
    let crashes: u8 = args[3].parse().unwrap();
    let others = args[4] == "o";
    let from: usize = args[5].parse().unwrap();
    let step: usize = args[6].parse().unwrap();
    let posted = args.get(7).is_some_and(|it| it == "p");
    let setting = Setting { keys, until_posted: posted, outcomes, crashes, others, prompt: false, safeguards: Safeguards::default() };
    let mut counts = Counts::default();
    let mut worlds: Vec<_> = histories().into_iter().skip(from).step_by(step).map(|it| world(&[it], setting)).collect();
    if args.get(7).is_some_and(|it| it == "e") {
        worlds = vec![echo_world(true, setting), echo_world(false, setting)];
    }
    for world in worlds {
        let start = std::time::Instant::now();
        match walk(&world) {
            Ok(of) => { println!("{}: {of:?} {:?}", world.name, start.elapsed()); counts += of; }
            Err(story) => {
                println!("{}: {story}", world.name);
                if let Some(story) = shortest(&world, 300_000) { println!("SHORTEST {story}"); }
            }
        }
    }
    println!("{counts:?}");
}
