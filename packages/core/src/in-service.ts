import { BelayError } from "./errors.ts";

/** Work on one service: what it throws names the service, so that whoever is told knows which one it was. */
export async function inService<T>(service: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BelayError) error.service ??= service;
    throw error;
  }
}
