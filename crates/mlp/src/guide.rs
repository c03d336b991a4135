//! A guide in eight chapters, from the chain rule to a model of one's own, in the textbook's notation and with its equation numbers.
//!
//! | chapter | equations |
//! |---|---|
//! | [The chain rule, on a list](chain_rule) | 6, 7 |
//! | [One neuron](one_neuron) | 1, 2, 5, 8–14 |
//! | [A network, and one example](one_example) | 3, 4, 15–20 |
//! | [m examples](m_examples) | 21–28 |
//! | [Training](training) | |
//! | [Second order](second_order) | |
//! | [A model of one's own](own_model) | |
//! | [Testing gradients](testing_gradients) | |
//!
//! En español: [la regla de la cadena](regla_de_la_cadena), [una neurona](una_neurona), [una red y un
//! ejemplo](un_ejemplo), [m ejemplos](m_ejemplos).
//!
//! The code of each chapter is a test. The chapters are in `docs/guide/` of the repository as well, and the course of examples
//! (`cargo run --release --example 01_chain_rule`) has the same order.

// Of the definitions of a link the first counts. Those of the chapters lead from file to file, for whoever reads them on a forge; the
// ones before them lead to the figure as a data URI and to the module of the next chapter.
macro_rules! chapters {
    ($($name:ident, $file:literal, $figure:literal, $next:literal;)*) => {
        $(
            #[doc = concat!("[figure]: ", include_str!(concat!("../../../docs/guide/figures/", $figure, ".uri")))]
            #[doc = concat!("[next]: ", $next)]
            #[doc = ""]
            #[doc = include_str!(concat!("../../../docs/guide/", $file, ".md"))]
            pub mod $name {}
        )*
    };
}

chapters! {
    chain_rule, "01-chain-rule", "01", "self::one_neuron";
    one_neuron, "02-one-neuron", "02", "self::one_example";
    one_example, "03-one-example", "03", "self::m_examples";
    m_examples, "04-m-examples", "04", "self::training";
    training, "05-training", "05", "self::second_order";
    second_order, "06-second-order", "06", "self::own_model";
    own_model, "07-own-model", "07", "self::testing_gradients";
    testing_gradients, "08-testing-gradients", "08", "crate";
    regla_de_la_cadena, "es/01-regla-de-la-cadena", "01", "self::una_neurona";
    una_neurona, "es/02-una-neurona", "02", "self::un_ejemplo";
    un_ejemplo, "es/03-un-ejemplo", "03", "self::m_ejemplos";
    m_ejemplos, "es/04-m-ejemplos", "04", "self::training";
}

/// Runs the answers of the page for teachers.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/TEACHING.md")]
pub struct Teaching;
