// The sentences of the engine in Spanish. They are English where they are made, by the diagnosis and the reader of equations; here
// their patterns are said in the source's language, the longer ones first. What has no pattern stays as it is.

const PATTERNS = [
  // Verdicts.
  [/^the same entry: it is right$/, "la misma entrada: es correcta"],
  [/ is equal in value, not in form: it is right, and written otherwise/, " es igual en valor, no en forma: es correcta, escrita de otro modo"],
  [/ would be (\S+), and must be (\S+?)(?=:|$)/, " sería $1, y debe ser $2"],
  [/ must be (\S+), and cannot be computed/, " debe ser $1, y no se puede calcular"],
  [/: it is (?=eq\.|the derivative)/, ": es "],
  [/ is another one: in (.+?) stands (.+) where (.+?) belongs(?=;|$)/, " es otra: en $1 está $2 donde debe ir $3"],
  [/ is another one/, " es otra"],
  [/; on a network (\S+) with m = (\d+)/, "; en una red $1 con m = $2"],
  [/: (\S+) is (\[[^\]]*\]|\S+), and not /, ": $1 es $2, y no "],
  [/ is (?=eq\. \d)/, " es la "],
  [/ is the derivative of (\S+)/, " es la derivada de $1"],
  // Numbers.
  [/^all of it is right: /, "todo es correcto: "],
  [/ is (\d+×\d+), and must be (\d+×\d+)/, " es $1, y debe ser $2"],
  [/ does not hold/, " no se cumple"],
  [/, and it is no mistake that has a name/, ", y no es un error con nombre"],
  [/\(row (\d+), column (\d+): (\S+) expected, (\S+) found\)/, "(fila $1, columna $2: se espera $3, hay $4)"],
  // Mistakes, as the catalogue has them.
  [/with the other sign/g, "con el otro signo"],
  [/with 1\/m, which enters in eq\. 26 and 27 alone/g, "con 1/m, que solo entra en las ec. 26 y 27"],
  [/with one ᵀ too many/g, "con una ᵀ de más"],
  [/with its factors in the wrong order/g, "con los factores en el orden equivocado"],
  [/transposed/g, "traspuesta"],
  [/, which (\S+) needs/g, ", que $1 necesita"],
  [/without Σᵢ, the sum over the examples/g, "sin Σᵢ, la suma sobre los ejemplos"],
  [/with the sum over the neurons where Σᵢ, over the examples, belongs/g, "con la suma sobre las neuronas donde debe ir Σᵢ, sobre los ejemplos"],
  [/with the sum over neurons and examples where Σᵢ belongs/g, "con la suma sobre neuronas y ejemplos donde debe ir Σᵢ"],
  [/, which is of eq\. 26/g, ", que es de la ec. 26"],
  [/with the derivative of the squared error, which is not the loss/g, "con la derivada del error cuadrático, que no es la pérdida"],
  [/with the derivative of the log-loss, which is not the loss/g, "con la derivada de la entropía cruzada, que no es la pérdida"],
  [/, which for a sigmoid is (\S+) already/g, ", que para una sigmoide ya es $1"],
  [/with \+ where − belongs before the term of 1 − Y/g, "con + donde debe ir − ante el término de 1 − Y"],
  [/without the term of 1 − Y/g, "sin el término de 1 − Y"],
  [/without the factor 2 of the squared error/g, "sin el factor 2 del error cuadrático"],
  [/without softmax: (\S+) are logits/g, "sin softmax: $1 son logits"],
  [/with (.+?) where (.+?) belongs/g, "con $1 donde debe ir $2"],
  [/with (.+?) twice/g, "con $1 dos veces"],
  [/without /g, "sin "],
  [/ with (?=[*⊙−AZWXYg])/g, " con "],
  [/ for (?=∂)/g, " para "],
  [/, or /g, ", o "],
  // What cannot be read.
  [/character (\d+): /, "carácter $1: "],
  [/the text ends where (.+) is expected/, "el texto acaba donde se espera $1"],
  [/(.+) is expected, not (.+)/, "se espera $1, no $2"],
  [/nothing is called /, "nada se llama "],
  [/no function is called /, "ninguna función se llama "],
  [/there is no (\S+): the network has (\d+) layers/, "no hay $1: la red tiene $2 capas"],
  [/a name, a number, a function or a parenthesis/, "un nombre, un número, una función o un paréntesis"],
  // What cannot be derived.
  [/must be of 1 to (\d+) layers, such as /, "deben ser de 1 a $1 capas, como "],
  [/a layer has 1 to (\d+) units here, and not (\d+)/, "una capa tiene aquí de 1 a $1 neuronas, y no $2"],
  [/there are (\d+) layers, and (\d+) functions/, "hay $1 capas y $2 funciones"],
  [/(\S+) has (\d+) features, and the network takes (\d+)/, "$1 tiene $2 características, y la red toma $3"],
  [/has (\d+) examples, and X has (\d+)/, "tiene $1 ejemplos, y X tiene $2"],
  [/has at most (\d+) examples here/, "tiene aquí a lo sumo $1 ejemplos"],
  [/there are no examples yet/, "todavía no hay ejemplos"],
  [/must be (\S+), and is (\S+)/, "debe ser $1, y es $2"],
  [/must give one number for each z/, "debe dar un número por cada z"],
  [/must treat every z by itself/, "debe tratar cada z por separado"],
  [/; or a formula in z, such as /, "; o una fórmula en z, como "],
  [/unknown activation/, "activación desconocida"],
  [/at most (\d+) at a time/, "a lo sumo $1 de una vez"],
  // Numbers of equations, at last.
  [/eq\. (?=\d)/g, "ec. "],
];

// A sentence of the engine in the page's language.
function told_(sentence) {
  if (language() === "en") return sentence;
  return PATTERNS.reduce((text, [pattern, spanish]) => text.replace(pattern, spanish), sentence);
}
