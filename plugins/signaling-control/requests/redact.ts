/** A shorter text is no secret, and likely to be in any sentence. */
const shortestSecret = 4;

/** Takes a secret out of a sentence, whoever put it in. */
export function redact(sentence: string, secret: string): string {
  return secret.length < shortestSecret ? sentence : sentence.replaceAll(secret, '***');
}
