/** Where a page's player is: one at a time, and none where there is nothing to play any more. */
import { openPlayer, type Playable, type Player } from './player.ts';
import type { Say } from './stream.ts';

export class Place {
  readonly #element: Element;
  #player: Promise<Player> | undefined;

  constructor(element: Element) {
    this.#element = element;
  }

  /** Whether a player is here, or about to be. */
  get isTaken(): boolean {
    return this.#player !== undefined;
  }

  /**
   * Opens a player (see `openPlayer`) where there is none yet. Where its scripts do not come, this rejects, and another
   * may be opened.
   * @returns its video; undefined where it was closed meanwhile
   */
  async open(playable: Playable, from: number, say: Say): Promise<HTMLVideoElement | undefined> {
    const player = openPlayer(this.#element, playable, from, say);
    this.#player = player;
    try {
      const { video } = await player;
      return this.#player === player ? video : undefined;
    } catch (error) {
      if (this.#player === player) this.#player = undefined;
      throw error;
    }
  }

  /** Ends the player, if there is one: what is not seen is not heard either. */
  close(): void {
    this.#player?.then(
      (player) => player.close(),
      () => {}, // it never came, which `open` tells
    );
    this.#player = undefined;
  }
}
