/** What an element keeps for the one list that it may be in. */
export interface Linked<T extends Linked<T>> {
  prev: T | undefined;
  next: T | undefined;
  /** where it is; the list's to change */
  list: LinkedList<T> | undefined;
}

/**
 * A queue whose elements can leave from the middle at no cost: a call that is
 * cancelled among ten thousand must not move the others. The links are in the
 * elements, so that queueing allocates nothing.
 */
export class LinkedList<T extends Linked<T>> {
  size = 0;
  first: T | undefined;
  last: T | undefined;

  push(item: T): void {
    this.insert(item, this.last);
  }

  /** @param behind absent: it becomes the first */
  insert(item: T, behind: T | undefined): void {
    const before = behind === undefined ? this.first : behind.next;
    item.list = this;
    item.prev = behind;
    item.next = before;
    if (behind === undefined) this.first = item;
    else behind.next = item;
    if (before === undefined) this.last = item;
    else before.prev = item;
    this.size += 1;
  }

  /** @returns whether it was in this list */
  remove(item: T): boolean {
    if (item.list !== this) return false;
    if (item.prev === undefined) this.first = item.next;
    else item.prev.next = item.next;
    if (item.next === undefined) this.last = item.prev;
    else item.next.prev = item.prev;
    item.list = undefined;
    item.prev = undefined;
    item.next = undefined;
    this.size -= 1;
    return true;
  }

  /** Those that are in it now, whatever becomes of them meanwhile. */
  all(): T[] {
    const items: T[] = [];
    for (let item = this.first; item !== undefined; item = item.next) items.push(item);
    return items;
  }
}
