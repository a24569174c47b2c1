/** The last of many, the newest first. */
export class Recent<T> {
  private items: T[] = [];
  private next = 0;

  /** @param most 0: none are kept */
  constructor(private most: number) {}

  /** Keeps so many from now on. */
  resize(most: number): void {
    if (most === this.most) return;
    this.items = this.list().slice(0, most).reverse();
    this.most = most;
    this.next = most === 0 ? 0 : this.items.length % most;
  }

  add(item: T): void {
    if (this.most === 0) return;
    this.items[this.next] = item;
    this.next = (this.next + 1) % this.most;
  }

  list(): T[] {
    return [...this.items.slice(this.next), ...this.items.slice(0, this.next)].reverse();
  }
}
