/** Takes a secret out of a sentence, whoever put it in. */
export function redact(sentence: string, secret: string): string {
  return secret === '' ? sentence : sentence.replaceAll(secret, '***');
}
