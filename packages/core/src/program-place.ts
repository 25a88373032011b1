import { which } from "@actions/io";

/** Where programs were found, by their names and the PATH of that time. */
const places = new Map<string, Promise<string>>();

/**
 * The file that `command` is by PATH; `command` itself where there is none, or where it is a path. `@actions/exec` looks into
 * every folder of PATH at each start, one after the other, which takes some milliseconds: here it is done once for a program.
 * One that was not found is looked for again.
 */
export function programPlace(command: string): Promise<string> {
  const key = `${command}\0${process.env.PATH ?? ""}`;
  const known = places.get(key);
  if (known !== undefined) return known;
  const looking = which(command).then((place) => {
    if (place !== "") return place;
    places.delete(key);
    return command;
  });
  places.set(key, looking);
  return looking;
}
