import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The regular expressions in a file of TypeScript. */
export function regularExpressionsIn(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isRegularExpressionLiteral(node)) {
      found.push(node.text.slice(1, node.text.lastIndexOf('/')));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

/**
 * Whether a regular expression takes time in proportion to the text, judged by its form. One that begins at any
 * character, and goes on without a bound, can take the square of the length; a repeated repetition can take longer.
 */
export function isLinear(pattern: string): boolean {
  // Each class and each escape counts as one letter.
  const simplified = pattern.replace(/\[(?:\\.|[^\]\\])*\]|\\p\{\w+\}|\\./g, 'c');
  return alternativesOf(simplified).every(
    (each) =>
      (each.startsWith('^') || !/[*+]|\{\d+,\}/.test(each.replace(/(?:[*+]|\{\d+,\})$/, ''))) &&
      !/[*+}]\)(?:[*+]|\{\d+,\})/.test(each),
  );
}

function alternativesOf(pattern: string): string[] {
  const alternatives = [''];
  let depth = 0;
  for (const character of pattern) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (character === '|' && depth === 0) {
      alternatives.push('');
    } else {
      alternatives[alternatives.length - 1] += character;
    }
  }
  return alternatives;
}
