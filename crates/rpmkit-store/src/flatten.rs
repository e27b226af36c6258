//! Long chains made short.
//!
//! A flattened tree holds hard links to the newest version of every file of a chain, which costs no
//! data, and takes the place of the chain when it is mounted. Its id follows from the id of the layer at
//! its top, so neither references nor parents change, and losing it loses nothing.

use super::{
    Driver, FLATTEN_ABOVE, Layer, LayerKind, LayerSpec, Slot, Store, StoreError, ask, error::At,
    flat_id, ops::Flatten,
};

impl Store {
    /// Makes the flattened tree of the chain of `top`, if it is not there. Does nothing with the plain
    /// driver, whose chains have one layer.
    pub fn flatten(&self, top: &Layer) -> Result<(), StoreError> {
        if self.0.format.driver == Driver::Plain {
            return Ok(());
        }
        let chain = self.chain(top)?;
        let Slot::Make(pending) = self.build(&flat_id(top.id()), None)? else {
            return Ok(());
        };
        let input = Flatten {
            layers: chain.iter().map(Layer::fs).collect(),
            dest: pending.fs(),
            link: true,
        };
        self.0.disk.step().at("flatten", &input.dest)?;
        ask::<_, ()>(&*self.0.hands, "flatten", &input)?;
        pending.publish(&LayerSpec {
            kind: LayerKind::Flat,
            packages: Vec::new(),
            note: format!("{} layers up to {}", chain.len(), top.id().short()),
            unsigned: None,
            dependencies: std::collections::BTreeSet::new(),
        })?;
        Ok(())
    }

    /// [`Self::flatten`] beside us, if the chain is long.
    pub(crate) fn flatten_if_long(&self, top: &Layer) {
        if !self.chain(top).is_ok_and(|c| c.len() > FLATTEN_ABOVE) {
            return;
        }
        let (store, top) = (self.clone(), top.clone());
        self.in_background("flatten", move || {
            if let Err(e) = store.flatten(&top) {
                store.events().warn(format!("flattening layers: {e}"));
            }
        });
    }
}
