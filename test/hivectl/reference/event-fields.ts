import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../../shared/package-root.js';

/** The fields of each event as shared/protocol/events.ts declares them: types leave nothing behind at run time. */
export function eventFieldsInSource(): Map<string, string> {
  const path = join(packageRoot(), 'shared', 'protocol', 'events.ts');
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const interfaces = new Map(file.statements.filter(ts.isInterfaceDeclaration).map((each) => [each.name.text, each]));
  const fields = interfaces.get('EventFields');
  if (fields === undefined) throw new Error('shared/protocol/events.ts has no interface EventFields.');
  return new Map(
    fields.members.filter(ts.isPropertySignature).map((member) => {
      const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();
      return [name, fieldTexts(member.type, interfaces).join(', ')];
    }),
  );
}

function fieldTexts(type: ts.TypeNode | undefined, interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>): string[] {
  if (type === undefined) return [];
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap((each) => fieldTexts(each, interfaces));
  if (ts.isTypeLiteralNode(type)) return memberTexts(type.members, false);
  if (!ts.isTypeReferenceNode(type)) throw new Error(`The reference page cannot show the type ${type.getText()}.`);
  const isPartial = type.typeName.getText() === 'Partial';
  const name = isPartial ? type.typeArguments?.[0]?.getText() : type.typeName.getText();
  const found = interfaces.get(name ?? '');
  if (found === undefined) throw new Error(`shared/protocol/events.ts has no interface ${name ?? ''}.`);
  return memberTexts(found.members, isPartial);
}

function memberTexts(members: ts.NodeArray<ts.TypeElement>, optional: boolean): string[] {
  return members.filter(ts.isPropertySignature).map((member) => {
    const mark = optional || member.questionToken !== undefined ? '?' : '';
    return `${member.name.getText()}${mark}: ${(member.type?.getText() ?? 'any').replace(/\s+/g, ' ').replace(/; \}/g, ' }').replaceAll(';', ',')}`;
  });
}
