// What the playground says, in each language. The notation is the source's. Sentences of the engine are told by spanish.js.
const WORDS = {
  en: {
    playground: "Playground", network: "Network", sizes: "units of the layers", activation: "g of layer {l}", loss: "loss", seed: "seed", data: "data",
    losses: { log_loss: "log-loss (eq. 5)", squared_error: "squared error", softmax_cross_entropy: "softmax cross-entropy" },
    sets: { xor: "XOR", moons: "two moons", spirals: "two spirals", own: "own points" },
    formula: "a name, or a formula in z such as z * tanh(z)", rate: "rate η", one: "1 step", ten: "10 steps", undo: "undo", rewind: "rewind",
    train: "Train by gradient descent", curve: "J after each step", no_curve: "not trained yet", plane: "What the network says, and the points",
    plane_help: "Arrows move the cross; 0 or 1 puts a point of that class there; Delete takes the nearest away. A click puts a point of the chosen class.",
    point_class: "class of new points", at: "x₁ = {a}, x₂ = {b}: output {out}", j: "J = {j}", derived: "derived anew in {ms} ms",
    edit: "Edit cells", edit_help: "Choose a matrix, a cell, and type. What follows is derived anew at every keystroke.", matrix: "matrix", row: "row", column: "column (example)", value: "value",
    no_leaf: "Only X, Y, W and b can be edited; all else follows from them.", not_a_number: "“{text}” is no number",
    check: "Check mine", equation: "your equation", judge: "check", signs: "signs", check_help: "Both sides, in the printed notation; ASCII will do: dJ/dW[1] = 1/m * d[1] * A[0]'",
    numbers: "Or paste the numbers of", numbers_help: "a row a line", right: "Right", wrong: "Not right", cannot: "Cannot be read",
    exercises: "Exercises", hide: "Hide an equation", broken: "Break a rule in secret", give_up: "show it", asked: "Write down the equation of {quantity}.",
    find: "One of these was computed by a wrong equation, from what stands above it. Which?", this_one: "this one", not_it: "{quantity} follows from what stands above it. Look on.", it_was: "Found. It was computed as {wrong}: {sentence}", answer_is: "It is {right}",
    verdicts: { same: "the same entry", equal_in_value: "equal in value, not in form", mistake: "a known mistake", shape: "the shapes do not fit", different: "another one", agrees: "the numbers agree" },
    failed: "The engine stopped: {why}. The page shows the last state.", starting: "starting the engine", ready: "engine ready in {ms} ms",
  },
  es: {
    playground: "Taller", network: "Red", sizes: "neuronas de las capas", activation: "g de la capa {l}", loss: "pérdida", seed: "semilla", data: "datos",
    losses: { log_loss: "entropía cruzada (ec. 5)", squared_error: "error cuadrático", softmax_cross_entropy: "entropía cruzada con softmax" },
    sets: { xor: "XOR", moons: "dos lunas", spirals: "dos espirales", own: "puntos propios" },
    formula: "un nombre, o una fórmula en z como z * tanh(z)", rate: "tasa η", one: "1 paso", ten: "10 pasos", undo: "deshacer", rewind: "volver al inicio",
    train: "Entrenar por descenso de gradiente", curve: "J tras cada paso", no_curve: "sin entrenar todavía", plane: "Lo que dice la red, y los puntos",
    plane_help: "Las flechas mueven la cruz; 0 o 1 pone allí un punto de esa clase; Supr quita el más cercano. Un clic pone un punto de la clase elegida.",
    point_class: "clase de los puntos nuevos", at: "x₁ = {a}, x₂ = {b}: salida {out}", j: "J = {j}", derived: "derivado de nuevo en {ms} ms",
    edit: "Editar celdas", edit_help: "Elige una matriz, una celda, y escribe. Lo que sigue se deriva de nuevo con cada tecla.", matrix: "matriz", row: "fila", column: "columna (ejemplo)", value: "valor",
    no_leaf: "Solo se pueden editar X, Y, W y b; lo demás se sigue de ellos.", not_a_number: "«{text}» no es un número",
    check: "Comprobar la mía", equation: "tu ecuación", judge: "comprobar", signs: "signos", check_help: "Los dos lados, en la notación impresa; vale ASCII: dJ/dW[1] = 1/m * d[1] * A[0]'",
    numbers: "O pega los números de", numbers_help: "una fila por línea", right: "Correcto", wrong: "Incorrecto", cannot: "No se puede leer",
    exercises: "Ejercicios", hide: "Ocultar una ecuación", broken: "Romper una regla en secreto", give_up: "mostrar", asked: "Escribe la ecuación de {quantity}.",
    find: "Una de estas se calculó con una ecuación equivocada, a partir de lo que está encima. ¿Cuál?", this_one: "esta", not_it: "{quantity} se sigue de lo que está encima. Sigue buscando.", it_was: "Encontrada. Se calculó como {wrong}: {sentence}", answer_is: "Es {right}",
    verdicts: { same: "la misma entrada", equal_in_value: "igual en valor, no en forma", mistake: "un error conocido", shape: "las dimensiones no encajan", different: "otra cosa", agrees: "los números coinciden" },
    failed: "El motor se detuvo: {why}. La página muestra el último estado.", starting: "arrancando el motor", ready: "motor listo en {ms} ms",
  },
};

// The page's own hands: elements of HTML and SVG, numbers, texts with {values}, and the language that is chosen.
const { make, svg, shown, filled, language } = window.page;

// A word in the page's language.
function word(path, values = {}) {
  const found = path.split(".").reduce((at, key) => at?.[key], WORDS[language()]);
  return filled(String(found ?? path), values);
}
