//! Learns phrases and code lengths: parse everything with the phrases so far, join the neighbours that would save
//! most, drop what no longer pays, again.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::context::{CONTEXTS, START, TextClass, class_of, context};

/// A text to learn from.
pub(crate) struct Item {
    pub(crate) text: Vec<u8>,
    pub(crate) class: TextClass,
    pub(crate) weight: f64,
    /// Texts of one source count once where a phrase has to prove that it is common.
    pub(crate) source: u32,
}

pub(crate) struct Learnt {
    pub(crate) symbols: Vec<Vec<u8>>,
    pub(crate) lengths: Vec<[u8; CONTEXTS]>,
}

const LONGEST: usize = 24;
const MAX_CODE_LENGTH: u8 = 15;
/// A phrase must occur in so many sources.
const MIN_SOURCES: u32 = 8;
const ADDED_A_ROUND: usize = 48;

struct Model {
    symbols: Vec<Vec<u8>>,
    costs: Vec<[f32; CONTEXTS]>,
    trie: Vec<[u32; 256]>,
    at: Vec<u32>,
}

impl Model {
    fn new() -> Model {
        let symbols: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        let mut model = Model { costs: vec![[8.0; CONTEXTS]; 256], symbols, trie: vec![], at: vec![] };
        model.rebuild();
        model
    }

    fn rebuild(&mut self) {
        self.trie = vec![[0; 256]];
        self.at = vec![u32::MAX];
        for (number, symbol) in self.symbols.iter().enumerate() {
            let mut node = 0;
            for &byte in symbol {
                if self.trie[node][byte as usize] == 0 {
                    self.trie[node][byte as usize] = self.trie.len() as u32;
                    self.trie.push([0; 256]);
                    self.at.push(u32::MAX);
                }
                node = self.trie[node][byte as usize] as usize;
            }
            self.at[node] = number as u32;
        }
    }

    /// The cheapest parse as (context, symbol); `without` is left out unless it is a single byte.
    fn parse(&self, text: &[u8], class: TextClass, without: usize, parse: &mut Vec<(u8, u32)>) -> f32 {
        let n = text.len();
        let mut best = vec![(0.0f32, 0u32); n + 1];
        let contexts: Vec<usize> = (0..n)
            .map(|i| {
                let last = if i > 0 { class_of(text[i - 1]) } else { START };
                let before = if i > 1 { class_of(text[i - 2]) } else { START };
                context(class, before, last)
            })
            .collect();
        for i in (0..n).rev() {
            let mut found = (f32::MAX, 0);
            let mut node = 0;
            for j in i..n {
                node = self.trie[node][text[j] as usize] as usize;
                if node == 0 {
                    break;
                }
                let symbol = self.at[node];
                if symbol != u32::MAX && symbol as usize != without {
                    let cost = self.costs[symbol as usize][contexts[i]] + best[j + 1].0;
                    if cost < found.0 {
                        found = (cost, symbol);
                    }
                }
            }
            best[i] = found;
        }
        parse.clear();
        let mut i = 0;
        while i < n {
            let symbol = best[i].1;
            parse.push((contexts[i] as u8, symbol));
            i += self.symbols[symbol as usize].len();
        }
        best[0].0
    }

    fn count(
        &self,
        items: &[Item],
        mut pair: impl FnMut((u8, u32), (u8, u32), &Item),
    ) -> (Vec<[f64; CONTEXTS]>, f64) {
        let mut counts = vec![[0.0; CONTEXTS]; self.symbols.len()];
        let mut parse = Vec::new();
        let mut bits = 0.0;
        for item in items {
            bits += f64::from(self.parse(&item.text, item.class, usize::MAX, &mut parse)) * item.weight;
            let mut last = None;
            for &(context, symbol) in &parse {
                counts[symbol as usize][context as usize] += item.weight;
                if let Some(last) = last {
                    pair(last, (context, symbol), item);
                }
                last = Some((context, symbol));
            }
        }
        (counts, bits)
    }

    /// Shannon costs of smoothed counts.
    fn estimate(&mut self, counts: &[[f64; CONTEXTS]]) {
        let smoothed = smooth(counts, &self.symbols);
        for context in 0..CONTEXTS {
            let total: f64 = smoothed.iter().map(|count| count[context]).sum();
            for (cost, count) in self.costs.iter_mut().zip(&smoothed) {
                cost[context] =
                    if count[context] > 0.0 { (total / count[context]).log2() as f32 } else { 40.0 };
            }
        }
    }
}

/// Single bytes get a share of their count elsewhere, so that the unseen stays cheap where it is plausible; phrases
/// get one only where they were seen.
fn smooth(counts: &[[f64; CONTEXTS]], symbols: &[Vec<u8>]) -> Vec<[f64; CONTEXTS]> {
    let all: f64 = counts.iter().flatten().sum();
    let totals: Vec<f64> = (0..CONTEXTS).map(|c| counts.iter().map(|count| count[c]).sum()).collect();
    counts
        .iter()
        .zip(symbols)
        .map(|(count, symbol)| {
            let share = count.iter().sum::<f64>() / all;
            let mut smoothed = *count;
            for (context, count) in smoothed.iter_mut().enumerate() {
                let total = totals[context];
                if symbol.len() == 1 {
                    let byte = symbol[0];
                    let floor = match byte {
                        b'a'..=b'z' | b'0'..=b'9' => 0.0008,
                        b'A'..=b'Z' | b'-' | b'_' | b'.' | b'/' | b'%' | b'=' => 0.0004,
                        0x21..=0x7e | b' ' => 0.0001,
                        _ => 0.00002,
                    };
                    *count += total * (0.02 * share + floor);
                } else {
                    *count += total * 0.01 * share;
                }
            }
            smoothed
        })
        .collect()
}

/// Two symbols that follow each other.
#[derive(Default)]
struct Pair {
    /// By the context of the first.
    weights: [f64; CONTEXTS],
    /// What they cost now.
    bits: f64,
    last_source: Option<u32>,
    sources: u32,
}

pub(crate) fn learn(items: &[Item], phrases: usize) -> Learnt {
    let mut model = Model::new();
    let mut round = 0;
    let mut full = 0;
    loop {
        let mut pairs: HashMap<(u32, u32), Pair> = HashMap::new();
        let costs = model.costs.clone();
        let (counts, bits) = model.count(items, |(context, a), (next, b), item| {
            let pair = pairs.entry((a, b)).or_default();
            pair.weights[context as usize] += item.weight;
            pair.bits += item.weight
                * f64::from(costs[a as usize][context as usize] + costs[b as usize][next as usize]);
            if pair.last_source != Some(item.source) {
                pair.last_source = Some(item.source);
                pair.sources += 1;
            }
        });
        model.estimate(&counts);
        eprintln!("round {round}: {} symbols, {:.3} bits a text", model.symbols.len(), bits / 40_000.0);
        round += 1;
        if model.symbols.len() >= 256 + phrases * 5 / 4 {
            full += 1;
            prune(&mut model, items, phrases);
            if full == 6 {
                break;
            }
            continue;
        }
        if round < 3 {
            continue;
        }
        let known: HashSet<&[u8]> = model.symbols.iter().map(Vec::as_slice).collect();
        let totals: Vec<f64> = (0..CONTEXTS).map(|c| counts.iter().map(|count| count[c]).sum()).collect();
        let mut candidates: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
        for (&(a, b), pair) in &pairs {
            let mut joined = model.symbols[a as usize].clone();
            joined.extend_from_slice(&model.symbols[b as usize]);
            if pair.sources < MIN_SOURCES || joined.len() > LONGEST || known.contains(joined.as_slice()) {
                continue;
            }
            let joined_bits: f64 = pair
                .weights
                .iter()
                .zip(&totals)
                .filter(|(weight, _)| **weight > 0.0)
                .map(|(weight, total)| weight * (total / weight).log2())
                .sum();
            let saved = pair.bits - joined_bits;
            if saved > 0.0 {
                // Two ways to join to one phrase: the better counts.
                let entry = candidates.entry(joined).or_insert(0.0);
                *entry = entry.max(saved);
            }
        }
        let mut best: Vec<(Vec<u8>, f64)> = candidates.into_iter().collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        best.truncate(ADDED_A_ROUND);
        if best.is_empty() {
            prune(&mut model, items, phrases);
            break;
        }
        for (phrase, _) in best {
            // As cheap as its likely price, in every context, until the next round counts it.
            model.symbols.push(phrase);
            model.costs.push([9.0; CONTEXTS]);
        }
        model.rebuild();
    }
    finish(model, items)
}

/// Drops the phrases that save least against the parse without them, a quarter of what is too much at a time.
fn prune(model: &mut Model, items: &[Item], phrases: usize) {
    for _ in 0..12 {
        let (counts, _) = model.count(items, |_, _, _| ());
        model.estimate(&counts);
        let mut gains: Vec<(f64, usize, Vec<u32>)> = (256..model.symbols.len())
            .map(|symbol| {
                let (gain, instead) = gain(model, symbol, &counts[symbol]);
                (gain, symbol, instead)
            })
            .collect();
        gains.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let excess = gains.len().saturating_sub(phrases);
        // Of two phrases that can stand in for each other neither seems to gain anything: who stands in for one that
        // has been dropped stays, for now.
        let mut dropped = HashSet::new();
        let mut needed = HashSet::new();
        for (gain, symbol, instead) in gains {
            let is_enough = gain > 0.0 && dropped.len() >= excess.div_ceil(4);
            if is_enough
                || needed.contains(&symbol)
                || instead.iter().any(|s| dropped.contains(&(*s as usize)))
            {
                continue;
            }
            needed.extend(instead.into_iter().map(|symbol| symbol as usize));
            dropped.insert(symbol);
        }
        if dropped.is_empty() {
            return;
        }
        let kept = |symbol: &usize| !dropped.contains(symbol);
        model.costs = (0..model.symbols.len()).filter(kept).map(|symbol| model.costs[symbol]).collect();
        model.symbols =
            (0..model.symbols.len()).filter(kept).map(|symbol| model.symbols[symbol].clone()).collect();
        model.rebuild();
    }
}

/// How many bits a phrase saves, and the symbols that would stand in for it.
fn gain(model: &Model, symbol: usize, weights: &[f64; CONTEXTS]) -> (f64, Vec<u32>) {
    let mut gain = 0.0;
    let mut instead = Vec::new();
    let mut parse = Vec::new();
    for class in [TextClass::Target, TextClass::Name] {
        let here = if class == TextClass::Target { 0..8 } else { 8..CONTEXTS };
        let weight: f64 = here.clone().map(|c| weights[c]).sum();
        if weight > 0.0 {
            let own: f64 = here.map(|c| weights[c] * f64::from(model.costs[symbol][c])).sum::<f64>() / weight;
            let without = model.parse(&model.symbols[symbol], class, symbol, &mut parse);
            gain += weight * (f64::from(without) - own);
            instead.extend(parse.iter().map(|(_, symbol)| *symbol));
        }
    }
    (gain, instead)
}

/// Whole code lengths, settled by parsing with them.
fn finish(mut model: Model, items: &[Item]) -> Learnt {
    model.symbols[256..].sort();
    model.rebuild();
    for symbol in 256..model.symbols.len() {
        model.costs[symbol] = [9.0; CONTEXTS];
    }
    let mut lengths = Vec::new();
    for round in 0..8 {
        let (counts, bits) = model.count(items, |_, _, _| ());
        if round < 4 {
            model.estimate(&counts);
            continue;
        }
        eprintln!("finish {round}: {} symbols, {:.3} bits a text", model.symbols.len(), bits / 40_000.0);
        let smoothed = smooth(&counts, &model.symbols);
        lengths = vec![[0; CONTEXTS]; model.symbols.len()];
        for context in 0..CONTEXTS {
            let weights: Vec<f64> = smoothed.iter().map(|count| count[context]).collect();
            for (symbol, length) in code_lengths(&weights).into_iter().enumerate() {
                lengths[symbol][context] = length;
                model.costs[symbol][context] = if length == 0 { 1e6 } else { f32::from(length) };
            }
        }
    }
    // A phrase may have lost every code to others at last.
    let (symbols, lengths) = model
        .symbols
        .into_iter()
        .zip(lengths)
        .filter(|(symbol, lengths)| symbol.len() == 1 || lengths.iter().any(|length| *length != 0))
        .unzip();
    Learnt { symbols, lengths }
}

/// Huffman code lengths of at most [`MAX_CODE_LENGTH`], complete; 0 for symbols of no weight.
fn code_lengths(weights: &[f64]) -> Vec<u8> {
    let total: f64 = weights.iter().sum();
    let mut floor = 0.0;
    loop {
        let mut nodes: Vec<(f64, Vec<usize>)> = weights
            .iter()
            .enumerate()
            .filter(|(symbol, weight)| *symbol < 256 || **weight > total * 0.00003)
            .map(|(symbol, weight)| (weight.max(floor), vec![symbol]))
            .collect();
        let mut lengths = vec![0u8; weights.len()];
        nodes.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1[0].cmp(&b.1[0])));
        // Two queues: leaves in order, joined nodes in the order of their making.
        let mut leaves: std::collections::VecDeque<_> = nodes.into();
        let mut joined: std::collections::VecDeque<(f64, Vec<usize>)> = Default::default();
        let take = |leaves: &mut std::collections::VecDeque<(f64, Vec<usize>)>,
                    joined: &mut std::collections::VecDeque<(f64, Vec<usize>)>| {
            match (leaves.front(), joined.front()) {
                (Some(leaf), Some(join)) if leaf.0 <= join.0 => leaves.pop_front(),
                (Some(_), None) => leaves.pop_front(),
                _ => joined.pop_front(),
            }
        };
        while leaves.len() + joined.len() > 1 {
            let (Some(mut a), Some(b)) = (take(&mut leaves, &mut joined), take(&mut leaves, &mut joined))
            else {
                unreachable!("two nodes are left");
            };
            a.0 += b.0;
            a.1.extend(b.1);
            for &symbol in &a.1 {
                lengths[symbol] += 1;
            }
            joined.push_back(a);
        }
        if lengths.iter().all(|length| *length <= MAX_CODE_LENGTH) {
            return lengths;
        }
        floor = if floor == 0.0 { total / 2f64.powi(i32::from(MAX_CODE_LENGTH) + 1) } else { floor * 1.2 };
    }
}
