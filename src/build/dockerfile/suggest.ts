/**
 * The known word that a wrong one is most like, for messages.
 */

/** A word this many edits away, or more, is another word. */
const TOO_FAR = 3;

/** How many single-character edits lead from one word to another. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + change));
    }
    row = next;
  }
  return row[to.length]!;
}

/** The option nearest to a word, or undefined where none is near or the word is itself one. */
export function suggestion(word: string, options: Iterable<string>): string | undefined {
  let best: string | undefined;
  let nearest = TOO_FAR;
  for (const option of options) {
    if (option === word) return undefined;
    if (Math.abs(option.length - word.length) >= nearest) continue;
    const edits = distance(word, option);
    if (edits < nearest) {
      nearest = edits;
      best = option;
    }
  }
  return best;
}

/** ` (did you mean …?)`, or nothing. */
export function didYouMean(word: string, options: Iterable<string>): string {
  const option = suggestion(word, options);
  return option === undefined ? "" : ` (did you mean ${option}?)`;
}
