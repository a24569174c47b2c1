/** Name, value, name, value …: in order, case and repeats kept, one character per byte (Latin-1). */
export type FlatHeaders = string[];
