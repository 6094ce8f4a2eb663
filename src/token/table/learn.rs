//! Learns phrases and code lengths: parse everything with the phrases so far, join the neighbours that would save
//! most, drop what no longer pays, again.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::context::{CONTEXTS, START, TextClass, class_of, context};

/// A text to learn from.
pub struct Item {
    pub text: Vec<u8>,
    pub class: TextClass,
    pub weight: f64,
    /// Texts of one source count once where a phrase has to prove that it is common.
    pub source: u32,
}

pub struct Learnt {
    pub symbols: Vec<Vec<u8>>,
    pub lengths: Vec<[u8; CONTEXTS]>,
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

    fn count(&self, items: &[Item], mut pair: impl FnMut(u32, u32, &Item)) -> (Vec<[f64; CONTEXTS]>, f64) {
        let mut counts = vec![[0.0; CONTEXTS]; self.symbols.len()];
        let mut parse = Vec::new();
        let mut bits = 0.0;
        for item in items {
            bits += f64::from(self.parse(&item.text, item.class, usize::MAX, &mut parse)) * item.weight;
            let mut last = None;
            for &(context, symbol) in &parse {
                counts[symbol as usize][context as usize] += item.weight;
                if let Some(last) = last {
                    pair(last, symbol, item);
                }
                last = Some(symbol);
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

pub fn learn(items: &[Item], phrases: usize) -> Learnt {
    let mut model = Model::new();
    let mut round = 0;
    let mut full = 0;
    loop {
        let mut pairs: HashMap<(u32, u32), (f64, u32, u32)> = HashMap::new();
        let (counts, bits) = model.count(items, |a, b, item| {
            let entry = pairs.entry((a, b)).or_insert((0.0, u32::MAX, 0));
            entry.0 += item.weight;
            if entry.1 != item.source {
                entry.1 = item.source;
                entry.2 += 1;
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
        let totals: f64 = counts.iter().flatten().sum();
        let mut candidates: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
        for (&(a, b), &(weight, _, sources)) in &pairs {
            let mut joined = model.symbols[a as usize].clone();
            joined.extend_from_slice(&model.symbols[b as usize]);
            if sources < MIN_SOURCES || joined.len() > LONGEST || known.contains(joined.as_slice()) {
                continue;
            }
            let mean = |symbol: u32| {
                let counts = &counts[symbol as usize];
                let costs = &model.costs[symbol as usize];
                let total: f64 = counts.iter().sum();
                counts.iter().zip(costs).map(|(n, c)| n * f64::from(*c)).sum::<f64>() / total
            };
            let saved = weight * (mean(a) + mean(b) - (totals / weight).log2());
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

/// Drops the phrases that save least against the parse without them.
fn prune(model: &mut Model, items: &[Item], phrases: usize) {
    for _ in 0..3 {
        let (counts, _) = model.count(items, |_, _, _| ());
        model.estimate(&counts);
        let mut parse = Vec::new();
        let mut gains: Vec<(f64, usize)> = (256..model.symbols.len())
            .map(|symbol| {
                let weights = &counts[symbol];
                let mut gain = 0.0;
                for class in [TextClass::Target, TextClass::Name] {
                    let here = if class == TextClass::Target { 0..8 } else { 8..CONTEXTS };
                    let weight: f64 = here.clone().map(|c| weights[c]).sum();
                    if weight > 0.0 {
                        let own: f64 =
                            here.map(|c| weights[c] * f64::from(model.costs[symbol][c])).sum::<f64>()
                                / weight;
                        let without = model.parse(&model.symbols[symbol], class, symbol, &mut parse);
                        gain += weight * (f64::from(without) - own);
                    }
                }
                (gain, symbol)
            })
            .collect();
        gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let room = (model.symbols.len() - 256 - phrases.min(model.symbols.len() - 256)).div_ceil(2);
        let keep = (gains.len() - room).max(phrases.min(gains.len()));
        gains.truncate(keep);
        gains.retain(|(gain, _)| *gain > 0.0);
        let mut kept: Vec<usize> = gains.into_iter().map(|(_, symbol)| symbol).collect();
        kept.sort_unstable();
        let mut symbols: Vec<Vec<u8>> = model.symbols[..256].to_vec();
        let mut costs = model.costs[..256].to_vec();
        for symbol in kept {
            symbols.push(model.symbols[symbol].clone());
            costs.push(model.costs[symbol]);
        }
        model.symbols = symbols;
        model.costs = costs;
        model.rebuild();
    }
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
    Learnt { symbols: model.symbols, lengths }
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
