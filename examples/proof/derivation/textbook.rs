//! The equations of the textbook, as it prints them: the only part of a derivation that is written down, and not read off a list.

/// An equation of the textbook.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) number: u8,
    /// What it says.
    pub(crate) title: &'static str,
    /// For math mode.
    pub(crate) latex: &'static str,
}

/// The parts of the derivation, each with its last equation.
pub(crate) const PARTS: [(u8, &str); 5] = [
    (5, "One example, forward"),
    (7, "The chain rule"),
    (20, "One example, backward"),
    (25, "m examples, forward"),
    (28, "m examples, backward"),
];

const fn eq(number: u8, title: &'static str, latex: &'static str) -> Stated {
    Stated { number, title, latex }
}

pub(crate) static STATED: [Stated; 28] = [
    eq(
        1,
        "what neuron j of layer l receives",
        r"z_j^{[l]} = \sum_{k=1}^{n_{l-1}} w_{jk}^{[l]} \cdot a_k^{[l-1]} + b_j^{[l]}",
    ),
    eq(2, "what neuron j of layer l gives", r"a_j^{[l]} = g(z_j^{[l]})"),
    eq(3, "a layer receives, all neurons at once", r"z^{[l]} = W^{[l]} * a^{[l-1]} + b^{[l]}"),
    eq(4, "a layer gives, all neurons at once", r"a^{[l]} = g(z^{[l]})"),
    eq(
        5,
        "the log-loss; of several outputs, their sum",
        r"\mathcal{L}(y, a^{[L]}) = -\left(y \cdot \log a^{[L]} + (1 - y) \cdot \log(1 - a^{[L]})\right)",
    ),
    eq(
        6,
        "the chain rule in one variable: a product, which the rule of g records at a[l]",
        r"\frac{\partial (g \circ f)}{\partial x} = \frac{\partial g}{\partial f} \cdot \frac{\partial f}{\partial x}",
    ),
    eq(
        7,
        "the chain rule in several variables: a sum over c, which the rule of the matrix product records at z[l+1]",
        r"\frac{\partial (g \circ f)}{\partial x} = \sum_{c=1}^{d} \frac{\partial g}{\partial f_c} \cdot \frac{\partial f_c}{\partial x}",
    ),
    eq(
        8,
        "the derivative of the log-loss",
        r"\frac{\partial \mathcal{L}}{\partial a^{[L]}} = -\left(\frac{y}{a^{[L]}} - \frac{1 - y}{1 - a^{[L]}}\right)",
    ),
    eq(
        9,
        "one weight, by the chain rule",
        r"\frac{\partial \mathcal{L}}{\partial w_{jk}^{[l]}} = \frac{\partial \mathcal{L}}{\partial a_j^{[l]}} \cdot \frac{\partial a_j^{[l]}}{\partial z_j^{[l]}} \cdot \frac{\partial z_j^{[l]}}{\partial w_{jk}^{[l]}}",
    ),
    eq(
        10,
        "its second factor, an element of the entry",
        r"\frac{\partial a_j^{[l]}}{\partial z_j^{[l]}} = g'(z_j^{[l]})",
    ),
    eq(
        11,
        "its third factor, an element of the entry",
        r"\frac{\partial z_j^{[l]}}{\partial w_{jk}^{[l]}} = a_k^{[l-1]}",
    ),
    eq(
        12,
        "one bias, by the chain rule",
        r"\frac{\partial \mathcal{L}}{\partial b_j^{[l]}} = \frac{\partial \mathcal{L}}{\partial a_j^{[l]}} \cdot \frac{\partial a_j^{[l]}}{\partial z_j^{[l]}} \cdot \frac{\partial z_j^{[l]}}{\partial b_j^{[l]}}",
    ),
    eq(
        13,
        "its second factor, an element of the entry",
        r"\frac{\partial a_j^{[l]}}{\partial z_j^{[l]}} = g'(z_j^{[l]})",
    ),
    eq(
        14,
        "its third factor is 1, so b[l] has the derivative of z[l]",
        r"\frac{\partial z_j^{[l]}}{\partial b_j^{[l]}} = 1",
    ),
    eq(
        15,
        "all weights of a layer at once",
        r"\frac{\partial \mathcal{L}}{\partial W^{[l]}} = \left(\frac{\partial \mathcal{L}}{\partial a^{[l]}} \odot g'(z^{[l]})\right) * (a^{[l-1]})^{\top}",
    ),
    eq(
        16,
        "all biases of a layer at once",
        r"\frac{\partial \mathcal{L}}{\partial b^{[l]}} = \frac{\partial \mathcal{L}}{\partial a^{[l]}} \odot g'(z^{[l]}) = \frac{\partial \mathcal{L}}{\partial z^{[l]}}",
    ),
    eq(
        17,
        "what one neuron gives goes to every neuron of the next layer",
        r"\frac{\partial \mathcal{L}}{\partial a_j^{[l]}} = \sum_{c=1}^{n_{l+1}} \frac{\partial \mathcal{L}}{\partial a_c^{[l+1]}} \cdot \frac{\partial a_c^{[l+1]}}{\partial z_c^{[l+1]}} \cdot \frac{\partial z_c^{[l+1]}}{\partial a_j^{[l]}}",
    ),
    eq(
        18,
        "its second factor, an element of the entry",
        r"\frac{\partial a_c^{[l+1]}}{\partial z_c^{[l+1]}} = g'(z_c^{[l+1]})",
    ),
    eq(
        19,
        "its third factor, an element of the entry",
        r"\frac{\partial z_c^{[l+1]}}{\partial a_j^{[l]}} = w_{cj}^{[l+1]}",
    ),
    eq(
        20,
        "all neurons of a layer at once",
        r"\frac{\partial \mathcal{L}}{\partial a^{[l]}} = (W^{[l+1]})^{\top} * \left(\frac{\partial \mathcal{L}}{\partial a^{[l+1]}} \odot g'(z^{[l+1]})\right)",
    ),
    eq(
        21,
        "what the layers receive, an example in each column",
        r"Z^{[l]} = \begin{pmatrix} z^{[l](1)} & z^{[l](2)} & \cdots & z^{[l](m)} \end{pmatrix}",
    ),
    eq(
        22,
        "what the layers give, an example in each column",
        r"A^{[l]} = \begin{pmatrix} a^{[l](1)} & a^{[l](2)} & \cdots & a^{[l](m)} \end{pmatrix}",
    ),
    eq(
        23,
        "a layer receives, all examples at once; B[l] is b[l], repeated m times",
        r"Z^{[l]} = W^{[l]} * A^{[l-1]} + B^{[l]}",
    ),
    eq(24, "a layer gives, all examples at once", r"A^{[l]} = g(Z^{[l]})"),
    eq(25, "the mean of the losses", r"J = \frac{1}{m} \sum_{i=1}^{m} \mathcal{L}(y^{(i)}, a^{[L](i)})"),
    eq(
        26,
        "the gradient of the weights",
        r"\frac{\partial J}{\partial W^{[l]}} = \frac{1}{m} \left(\frac{\partial \mathcal{L}}{\partial A^{[l]}} \odot g'(Z^{[l]})\right) * (A^{[l-1]})^{\top}",
    ),
    eq(
        27,
        "the gradient of the biases",
        r"\frac{\partial J}{\partial b^{[l]}} = \frac{1}{m} \sum_{i=1}^{m} \frac{\partial \mathcal{L}}{\partial A^{[l](i)}} \odot g'(Z^{[l](i)}) = \frac{1}{m} \sum_{i=1}^{m} \frac{\partial \mathcal{L}}{\partial Z^{[l](i)}}",
    ),
    eq(
        28,
        "what is propagated, without the factor 1/m",
        r"\frac{\partial \mathcal{L}}{\partial A^{[l]}} = (W^{[l+1]})^{\top} * \left(\frac{\partial \mathcal{L}}{\partial A^{[l+1]}} \odot g'(Z^{[l+1]})\right)",
    ),
];
