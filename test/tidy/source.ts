/** What the tidy rules look at: a file of the repository, and its syntax tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface TextFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** One breach of one rule, as a line that says where, what, and how to mend it. */
export type Breach = string;

/** Reads the files below a folder whose names end in one of the extensions. */
export function readFolder(folder: string, ...extensions: readonly string[]): TextFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => readTextFile(join(entry.parentPath, entry.name)))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
}

export function readTextFile(path: string): TextFile {
  return { path: path.replaceAll('\\', '/'), text: readFileSync(path, 'utf8') };
}

const trees = new WeakMap<TextFile, ts.SourceFile>();

/** The syntax tree of a TypeScript file, parsed once. */
export function treeOf(file: TextFile): ts.SourceFile {
  const known = trees.get(file);
  if (known !== undefined) return known;
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
  trees.set(file, tree);
  return tree;
}

/** Calls `visit` for every node and collects what it finds, each with its line. */
export function findNodes(file: TextFile, visit: (node: ts.Node) => string | undefined): Breach[] {
  const tree = treeOf(file);
  const breaches: Breach[] = [];
  const walk = (node: ts.Node): void => {
    const found = visit(node);
    if (found !== undefined) breaches.push(at(file, lineOf(tree, node), found));
    ts.forEachChild(node, walk);
  };
  walk(tree);
  return breaches;
}

/** Formats a breach. `line` counts from 1. */
export function at(file: TextFile, line: number, message: string): Breach {
  return `${file.path}:${String(line)}: ${message}`;
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}
