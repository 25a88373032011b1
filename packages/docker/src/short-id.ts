/** The first twelve characters of an id, as the docker command line shows it; names stay as they are. */
export function short(idOrName: string): string {
  return /^[0-9a-f]{64}$/.test(idOrName) ? idOrName.slice(0, 12) : idOrName;
}
