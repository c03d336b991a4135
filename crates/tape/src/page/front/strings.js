// What the page says, in each language. The notation and the numbers of equations are the source's.
const STRINGS = {
  en: {
    language: "Español",
    theme: "light or dark", help: "help", close: "close",
    summary: "{entries} entries · {lines} equations{m} · {scalar}", examples: " · m = {m}",
    first: "to the first step", back: "step back", play: "play", stop: "stop", forward: "step forward", last: "to the last step",
    go_to: "equation", choose: "go to …", level: "level", controls: "steps",
    levels: { equation: "equation", entry: "entry", number: "number" },
    step: "Step {at} of {of}", cell: "row {row}, column {column}",
    forward_part: "forward", backward_part: "backward",
    list: "The list", number: "no.", name: "name", definition: "definition", shape: "shape", values: "values", source: "eq.",
    graph: "The graph, in a mirror", graph_note: "Forward up on the left, derivatives down on the right, each in the row of what it belongs to.",
    sides: { leaf: "leaves", forward: "forward", helper: "between", cotangent: "cotangents", gradient: "gradients" },
    band: "layer {label}", no_band: "after the layers", open: "open", closed: "closed", entries: "{n} entries", one_entry: "1 entry",
    why: "Why", used_by: "Used by", nothing: "nothing: it is a result", differences: "By differences", written: "Written out",
    whole_equation: "With the named entries", place: "recorded at {place}", back_to: "back to {name}",
    leaves: { parameter: "A leaf: training changes it.", examples: "A leaf: each column is an example.", constant: "A leaf that never changes." },
    leaf: "A leaf: {kind}.", literal_number: "A number.", by_hand: "You recorded it, as it stands.",
    rule: "The rule of {operation} at {at} gives what goes to its operands, and recorded this.",
    sum: "{at} is used several times: what its uses give is added up.",
    handing_out: "The derivative with respect to {at} is handed out: what all examples share (the sign, 1/m) enters here, once.",
    recorded: "A differentiation recorded it.",
    agrees: "{value}: agrees, apart by {relative} of the largest", differs: "{value}: DIFFERS by {relative} of the largest",
    unchecked: "unchecked: {reason}", reasons: { corner: "the function has a corner here", too_small: "it is smaller than the rounding of the differences", domain: "a step leaves where the function is finite", steep: "the function changes too quickly here", empty: "it has no elements, or there are no examples", cost: "it would take too long", none: "it is no derivative of one entry" },
    checked_of: "∂{of}/∂{wrt}{front} at this number",
    not_computed: "Its value is not known: a leaf has none.", cut: "rows {r0}–{r1} of {rows}, columns {c0}–{c1} of {columns}",
    same: "This entry is {equation}: recorded by hand, the formula is this very entry.",
    not_same: "Recorded by hand, {equation} is another entry.",
    prove: "Record {equation} by hand", found: "is there already: {entry}", list_stays: "The list had {before} entries and has {after}: nothing was added.", list_grows: "The list grew from {before} to {after} entries.",
    not_finite: "not finite", story: "Here it begins: {operation}({operands}) is {value}, at row {row}, column {column}.", story_leaf: "Here it begins: the leaf holds {value}, at row {row}, column {column}.", follows: "It follows from {at}.", spreads: "{n} entries after it are not finite either.",
    around: "The program goes around it: {at} is finite.",
    protection: "protection", protection_on: "on", protection_off: "off", protection_says_on: "The program computes a stable formula for the same entries; the list stays as it is.", protection_says_off: "The formulas exactly as they stand, number by number.",
    first_bad: "to where it begins", rest: "… {n} more …",
    keys: "Keys", key_list: [["← →", "step"], ["Home End", "first and last step"], ["PgUp PgDn", "equation before and after"], ["Space", "play and stop"], ["1 2 3", "level: equation, entry, number"], ["↑ ↓", "in the list and the graph: the entry before and after; in a table: the cell"], ["Tab, Enter", "to the symbols of the equation, and to the entry of one"], ["Backspace", "back to where one came from"], ["G", "go to an equation"], ["=", "record the formula by hand"], ["N", "protection on and off"], ["L", "language"], ["T", "light or dark"], ["?", "this help"], ["Esc", "close"]],
    about_levels: "A step has three levels. The equation, as a book writes it; the entry, one operation of the list; the number, one element of it, written out.",
    about_heat: "In the small maps a full square is positive, a hollow one negative, and strength is size.",
    handout: "All steps",
  },
  es: {
    language: "English",
    theme: "claro u oscuro", help: "ayuda", close: "cerrar",
    summary: "{entries} entradas · {lines} ecuaciones{m} · {scalar}", examples: " · m = {m}",
    first: "al primer paso", back: "paso atrás", play: "reproducir", stop: "parar", forward: "paso adelante", last: "al último paso",
    go_to: "ecuación", choose: "ir a …", level: "nivel", controls: "pasos",
    levels: { equation: "ecuación", entry: "entrada", number: "número" },
    step: "Paso {at} de {of}", cell: "fila {row}, columna {column}",
    forward_part: "hacia delante", backward_part: "hacia atrás",
    list: "La lista", number: "n.º", name: "nombre", definition: "definición", shape: "tamaño", values: "valores", source: "ec.",
    graph: "El grafo, en un espejo", graph_note: "A la izquierda se sube; a la derecha bajan las derivadas, cada una en la fila de lo suyo.",
    sides: { leaf: "hojas", forward: "hacia delante", helper: "entre ambas", cotangent: "cotangentes", gradient: "gradientes" },
    band: "capa {label}", no_band: "tras las capas", open: "abierta", closed: "cerrada", entries: "{n} entradas", one_entry: "1 entrada",
    why: "Por qué", used_by: "La usan", nothing: "nadie: es un resultado", differences: "Por diferencias", written: "Escrito entero",
    whole_equation: "Con las entradas que tienen nombre", place: "registrada en {place}", back_to: "volver a {name}",
    leaves: { parameter: "Una hoja: el entrenamiento la cambia.", examples: "Una hoja: cada columna es un ejemplo.", constant: "Una hoja que no cambia nunca." },
    leaf: "Una hoja: {kind}.", literal_number: "Un número.", by_hand: "La registraste tú, tal como está.",
    rule: "La regla de {operation} en {at} da lo que va a sus operandos, y registró esto.",
    sum: "{at} se usa varias veces: se suma lo que da cada uso.",
    handing_out: "Se entrega la derivada respecto a {at}: lo que comparten todos los ejemplos (el signo, 1/m) entra aquí, una sola vez.",
    recorded: "La registró una derivación.",
    agrees: "{value}: coincide, a {relative} del mayor", differs: "{value}: DIFIERE en {relative} del mayor",
    unchecked: "sin comprobar: {reason}", reasons: { corner: "la función tiene aquí una esquina", too_small: "es menor que el redondeo de las diferencias", domain: "un paso sale de donde la función es finita", steep: "la función cambia aquí demasiado deprisa", empty: "no tiene elementos, o no hay ejemplos", cost: "tardaría demasiado", none: "no es la derivada respecto a una sola entrada" },
    checked_of: "∂{of}/∂{wrt}{front} en este número",
    not_computed: "No se conoce su valor: una hoja no lo tiene.", cut: "filas {r0}–{r1} de {rows}, columnas {c0}–{c1} de {columns}",
    same: "Esta entrada es la {equation}: registrada a mano, la fórmula es esta misma entrada.",
    not_same: "Registrada a mano, la {equation} es otra entrada.",
    prove: "Registrar a mano la {equation}", found: "ya está: {entry}", list_stays: "La lista tenía {before} entradas y tiene {after}: no se añadió nada.", list_grows: "La lista creció de {before} a {after} entradas.",
    not_finite: "no es finito", story: "Aquí empieza: {operation}({operands}) es {value}, en la fila {row}, columna {column}.", story_leaf: "Aquí empieza: la hoja contiene {value}, en la fila {row}, columna {column}.", follows: "Se sigue de {at}.", spreads: "Tampoco son finitas {n} entradas posteriores.",
    around: "El programa da un rodeo: {at} es finita.",
    protection: "protección", protection_on: "sí", protection_off: "no", protection_says_on: "El programa calcula con una fórmula estable las mismas entradas; la lista queda como está.", protection_says_off: "Las fórmulas exactamente como están, número a número.",
    first_bad: "a donde empieza", rest: "… {n} más …",
    keys: "Teclas", key_list: [["← →", "paso"], ["Inicio Fin", "primer y último paso"], ["RePág AvPág", "ecuación anterior y siguiente"], ["Espacio", "reproducir y parar"], ["1 2 3", "nivel: ecuación, entrada, número"], ["↑ ↓", "en la lista y el grafo: la entrada anterior y la siguiente; en una tabla: la celda"], ["Tab, Intro", "a los símbolos de la ecuación, y a la entrada de uno"], ["Retroceso", "volver a donde se estaba"], ["G", "ir a una ecuación"], ["=", "registrar la fórmula a mano"], ["N", "protección sí y no"], ["L", "idioma"], ["T", "claro u oscuro"], ["?", "esta ayuda"], ["Esc", "cerrar"]],
    about_levels: "Un paso tiene tres niveles. La ecuación, como la escribe un libro; la entrada, una operación de la lista; el número, un elemento suyo, escrito entero.",
    about_heat: "En los mapas pequeños un cuadrado lleno es positivo, uno hueco negativo, y la intensidad es el tamaño.",
    handout: "Todos los pasos",
  },
};

// "Step {at} of {of}" with its values.
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// A text of the language that is chosen.
function say(name, values = {}) {
  const text = name.split(".").reduce((table, key) => (table ? table[key] : undefined), STRINGS[place.language]);
  return typeof text === "string" ? filled(text, values) : text;
}

// "ec. 26" in Spanish.
function sourceNumber(equation) {
  return place.language === "es" ? equation.replace(/\beq\./g, "ec.") : equation;
}
