import { inflateSync } from 'node:zlib';
import jsQR from 'jsqr';

/** Pixels of a module, so that the decoder finds its way. */
const SCALE = 4;
const HEADER_BYTES = 8;

/** The text of the QR code whose modules these are: rows of equal length, `true` for a dark module. */
export function decodedQr(rows: readonly (readonly boolean[])[]): string | undefined {
  const [width, height] = [rows[0]!.length * SCALE, rows.length * SCALE];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = rows[Math.floor(y / SCALE)]![Math.floor(x / SCALE)] ? 0 : 255;
      pixels.set([light, light, light, 255], (y * width + x) * 4);
    }
  }
  return jsQR(pixels, width, height)?.data;
}

/** The pixels of a PNG of two colors, of which the second is dark, with one bit a pixel and without filters. */
export function pixelsOf(png: Buffer): boolean[][] {
  const chunks = new Map<string, Buffer>();
  for (let at = HEADER_BYTES; at < png.length;) {
    const length = png.readUInt32BE(at);
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const width = chunks.get('IHDR')!.readUInt32BE(0);
  const rowBytes = Math.ceil(width / 8) + 1;
  const data = inflateSync(chunks.get('IDAT')!);
  return Array.from({ length: data.length / rowBytes }, (_, y) =>
    Array.from({ length: width }, (__, x) => ((data[y * rowBytes + 1 + (x >> 3)]! >> (7 - (x & 7))) & 1) === 1),
  );
}
