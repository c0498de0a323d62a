//! Cycles of a directed graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A directed graph: what each node leads to.
pub type Graph<N> = BTreeMap<N, BTreeSet<N>>;

/// The groups of two and more nodes in which each one leads to every other, in their order.
pub fn cycles<N: Ord + Clone>(graph: &Graph<N>) -> Vec<BTreeSet<N>> {
    let mut found = Vec::new();
    let mut placed = BTreeSet::new();
    let reach: BTreeMap<&N, BTreeSet<&N>> = graph.keys().map(|node| (node, reachable(graph, node))).collect();
    for (&node, from_here) in &reach {
        if placed.contains(node) || !from_here.contains(node) {
            continue;
        }
        let group: BTreeSet<N> = from_here
            .iter()
            .filter(|&&other| reach.get(other).is_some_and(|back| back.contains(node)))
            .map(|&other| other.clone())
            .collect();
        placed.extend(group.iter().cloned());
        if group.len() > 1 {
            found.push(group);
        }
    }
    found
}

/// What a node leads to over one arrow or more; itself when it is on a cycle.
fn reachable<'a, N: Ord>(graph: &'a Graph<N>, from: &N) -> BTreeSet<&'a N> {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<&N> = graph.get(from).into_iter().flatten().collect();
    while let Some(node) = ahead.pop() {
        if seen.insert(node) {
            ahead.extend(graph.get(node).into_iter().flatten());
        }
    }
    seen
}

/// The shortest way round within a group: its nodes in order, the first one not repeated.
pub fn shortest<N: Ord + Clone>(graph: &Graph<N>, group: &BTreeSet<N>) -> Vec<N> {
    group.iter().filter_map(|start| round(graph, group, start)).min_by_key(Vec::len).unwrap_or_default()
}

fn round<N: Ord + Clone>(graph: &Graph<N>, group: &BTreeSet<N>, start: &N) -> Option<Vec<N>> {
    let mut before: BTreeMap<&N, &N> = BTreeMap::new();
    let mut ahead = VecDeque::from([start]);
    while let Some(node) = ahead.pop_front() {
        for next in graph.get(node).into_iter().flatten().filter(|next| group.contains(next)) {
            if next == start {
                let mut way = vec![node.clone()];
                let mut at = node;
                while let Some(&earlier) = before.get(at) {
                    way.push(earlier.clone());
                    at = earlier;
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(next, node);
                ahead.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(&'static str, &'static str)]) -> Graph<&'static str> {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph.entry(*from).or_insert_with(BTreeSet::new).insert(*to);
        }
        graph
    }

    #[test]
    fn a_graph_without_a_way_back_has_no_cycle() {
        assert!(cycles(&graph(&[("a", "b"), ("a", "c"), ("b", "c")])).is_empty());
    }

    #[test]
    fn each_group_is_found_with_all_its_nodes_and_nothing_beside() {
        let found = cycles(&graph(&[
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("c", "d"),
            ("d", "e"),
            ("e", "d"),
            ("e", "f"),
            ("g", "a"),
        ]));
        assert_eq!(found, [BTreeSet::from(["a", "b", "c"]), BTreeSet::from(["d", "e"])]);
    }

    #[test]
    fn the_shortest_way_round_is_named() {
        let graph = graph(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "b")]);
        assert_eq!(shortest(&graph, &BTreeSet::from(["a", "b", "c", "d"])), ["b", "c"]);
    }
}
