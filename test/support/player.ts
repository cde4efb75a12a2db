/** The player's controls, as a person uses them. */
import type { Page } from 'playwright-core';

/** Opens one of the menus behind the player's settings: `Quality`, `Speed`, `Sound`, `Captions`. */
export async function openSettings(page: Page, menu: string): Promise<void> {
  const settings = page.locator('media-settings-menu');
  await page.locator('media-controller').hover();
  if (await settings.isVisible()) {
    await settings.press('Escape');
    await settings.waitFor({ state: 'hidden' });
  }
  await page.getByRole('button', { name: 'settings' }).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${menu}`) }).click();
}

/** Chooses in one of them. */
export async function choose(page: Page, menu: string, name: string | RegExp): Promise<void> {
  await openSettings(page, menu);
  await page.getByRole('menuitemradio', { name, exact: true }).click();
}
