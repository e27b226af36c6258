//! f-strings of readable expressions.

use ruff_python_ast::{
    ConversionFlag, ExprFString, FStringPart, InterpolatedElement, InterpolatedStringElement,
    InterpolatedStringElements,
};

use super::{format, interp::Interp};
use crate::{ConfigError, Value, repr};

impl Interp<'_> {
    pub(super) fn fstring(&mut self, text: &ExprFString) -> Result<String, ConfigError> {
        let mut out = String::new();
        for part in text.value.iter() {
            match part {
                FStringPart::Literal(literal) => out.push_str(&literal.value),
                FStringPart::FString(inner) => self.elements(&inner.elements, &mut out)?,
            }
        }
        Ok(out)
    }

    fn elements(
        &mut self,
        elements: &InterpolatedStringElements,
        out: &mut String,
    ) -> Result<(), ConfigError> {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(text) => out.push_str(&text.value),
                InterpolatedStringElement::Interpolation(value) => self.interpolate(value, out)?,
            }
            if out.len() > super::limits::MAX_TEXT {
                let node = element;
                return Err(self.wrong(node, "the text would be too long"));
            }
        }
        Ok(())
    }

    fn interpolate(
        &mut self,
        element: &InterpolatedElement,
        out: &mut String,
    ) -> Result<(), ConfigError> {
        let value = self.value(&element.expression)?;
        let mut spec = String::new();
        if let Some(format_spec) = &element.format_spec {
            self.elements(&format_spec.elements, &mut spec)?;
        }
        let mut conversion = element.conversion;
        if let Some(debug) = &element.debug_text {
            out.push_str(debug.leading());
            out.push_str(debug.expression());
            out.push_str(debug.trailing());
            if matches!(conversion, ConversionFlag::None) && spec.is_empty() {
                conversion = ConversionFlag::Repr;
            }
        }
        let value = match conversion {
            ConversionFlag::None => value,
            ConversionFlag::Str => Value::Str(value.to_string()),
            ConversionFlag::Repr => Value::Str(repr(&value)),
            ConversionFlag::Ascii => Value::Str(format::ascii(&repr(&value))),
        };
        let text = format::format(&value, &spec)
            .map_err(|message| self.wrong(element.expression.as_ref(), message))?;
        out.push_str(&text);
        Ok(())
    }
}
