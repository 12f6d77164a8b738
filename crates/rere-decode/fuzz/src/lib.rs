//! Shared parts of the fuzz targets: numbers from bytes, and checks of the triples of any decoder.

use rere_core::Probability;
use rere_decode::{Decoder, Scale, TokenTriple};

/// Reads numbers from bytes; 0 after the last byte.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Reads a number under `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub fn scale(&mut self) -> Scale {
        if self.byte() % 2 == 0 { Scale::Probability } else { Scale::Logit }
    }

    pub fn probability(&mut self) -> Probability {
        Probability::saturating(f32::from(self.byte()) / 255.0)
    }

    /// Reads scores. One in sixteen calls returns numbers of any bits; the others return probabilities, so that
    /// decoders are reached.
    pub fn scores(&mut self, count: usize) -> Vec<f32> {
        let any = self.byte() % 16 == 0;
        let mut score = || match any {
            true => f32::from_bits(u32::from_le_bytes([(); 4].map(|()| self.byte()))),
            false => f32::from(self.byte()) / 255.0,
        };
        (0..count).map(|_| score()).collect()
    }
}

/// Decodes twice, and checks the order, scores and spans of the triples.
pub fn decode<D: Decoder>(decoder: &D, input: D::Input<'_>, tokens: usize) -> Vec<TokenTriple> {
    let mut scratch = D::Scratch::default();
    let (mut found, mut again) = (Vec::new(), Vec::new());
    decoder.decode(input, &mut scratch, &mut found);
    decoder.decode(input, &mut scratch, &mut again);
    assert_eq!(found, again, "a reused scratch changes the triples");
    for triple in &found {
        assert!((0.0..=1.0).contains(&triple.score), "{triple:?}");
        assert_ne!(triple.subject, triple.object);
        for span in [triple.subject, triple.object] {
            assert!(span.start < span.end && span.end <= tokens, "{triple:?}");
        }
    }
    let key = |triple: &TokenTriple| (triple.relation, triple.subject, triple.object);
    for pair in found.windows(2) {
        let order = pair[1].score.total_cmp(&pair[0].score).then_with(|| key(&pair[0]).cmp(&key(&pair[1])));
        assert!(order.is_lt(), "{pair:?}");
    }
    found
}
