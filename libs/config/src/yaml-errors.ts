import type { ErrorCode } from 'yaml';

/** Codes of the YAML library in words; its own messages quote the file, and with it perhaps a secret. */
const WORDS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias (*name) cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'an alias (*name) is written wrongly, or leads nowhere; a text that begins with * needs quotes',
  BAD_COLLECTION_TYPE: 'a tag (!!name) does not fit what follows it',
  BAD_DIRECTIVE: 'a line that begins with % is no known directive',
  BAD_DQ_ESCAPE: 'a backslash in "…" begins no known escape; in \'…\' it stands for itself',
  BAD_INDENT:
    'the indentation does not fit the lines above; names of one group begin in the same column, and what [, { or a quote opened is closed',
  BAD_PROP_ORDER: 'anchor and tag must stand before their value, on its line',
  BAD_SCALAR_START: 'a text cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a value cannot hold another name on the same line; a text with ": " in it needs quotes',
  BLOCK_IN_FLOW: 'a list or group over several lines cannot stand inside of { } or [ ]',
  DUPLICATE_KEY: 'this name stands twice in its group',
  IMPOSSIBLE: 'this cannot be understood',
  KEY_OVER_1024_CHARS: 'a name is longer than 1024 characters; perhaps a quote is not closed',
  MISSING_CHAR: 'something is missing here: a colon after a name, a comma, or the end of a quote, { } or [ ]',
  MULTILINE_IMPLICIT_KEY: 'a name must stand on one line with its colon; perhaps that colon is missing',
  MULTIPLE_ANCHORS: 'a value has two anchors',
  MULTIPLE_DOCS: 'the file must hold one document; take out the line ---',
  MULTIPLE_TAGS: 'a value has two tags',
  NON_STRING_KEY: 'a name must be a text',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'a value does not fit its tag (!!name)',
  UNEXPECTED_TOKEN: 'this is not expected here; a text with special characters needs quotes',
};

/** What is wrong with a YAML file, in words, without anything that stands in it. */
export function yamlErrorWords(code: ErrorCode): string {
  return WORDS[code];
}
