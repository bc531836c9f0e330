import { Socket } from 'node:net';

/** Shortens all socket timeouts, and returns the requested ones. */
export function shortenSocketTimeouts(): number[] {
  const asked: number[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the socket at hand
  const setTimeout = Socket.prototype.setTimeout;
  jest.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, ms, onTimeout) {
    asked.push(ms);
    return setTimeout.call(this, Math.min(ms, 20), onTimeout);
  });
  return asked;
}
