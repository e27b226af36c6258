//! Signatures as they come: armoured or not, one or several.

use pgp::packet::{Packet, Signature, SignatureType};

use crate::{
    armour::{self, Form},
    packets::{MOST, Packets},
    problem::SignatureProblem,
};

/// A signature that has been read and not yet judged.
#[derive(Debug, Clone)]
pub struct ParsedSignature(pub(crate) Signature);

impl ParsedSignature {
    /// It signs lines, however they end, and not bytes.
    pub fn is_of_text(&self) -> bool {
        self.0.typ() == Some(SignatureType::Text)
    }
}

/// Every signature in a file, in its order; those that cannot be read with the reason. Empty when
/// there are none.
pub fn signatures(data: &[u8]) -> Vec<Result<ParsedSignature, SignatureProblem>> {
    let unreadable = |reason: &str| Err(SignatureProblem::Unreadable(reason.to_owned()));
    if data.len() > MOST {
        return vec![unreadable("it is larger than any signature")];
    }
    match armour::read(data) {
        Form::Binary => packets(data),
        Form::Blocks(blocks) => blocks
            .into_iter()
            .filter(|block| matches!(block.kind.as_str(), "SIGNATURE" | "MESSAGE"))
            .flat_map(|block| match block.data {
                Ok(data) => packets(&data),
                Err(reason) => vec![unreadable(reason)],
            })
            .collect(),
    }
}

fn packets(data: &[u8]) -> Vec<Result<ParsedSignature, SignatureProblem>> {
    let mut found = Vec::new();
    for raw in Packets::new(data) {
        let reason = match raw {
            Ok(raw) if raw.tag != 2 => continue,
            Ok(raw) => match raw.parse() {
                // One of an unknown version can be told, and cannot be judged.
                Some(Packet::Signature(signature)) if signature.config().is_some() => {
                    found.push(Ok(ParsedSignature(signature)));
                    continue;
                }
                _ => "it is damaged, or of an unknown version",
            },
            Err(reason) => reason,
        };
        found.push(Err(SignatureProblem::Unreadable(reason.to_owned())));
    }
    found
}
