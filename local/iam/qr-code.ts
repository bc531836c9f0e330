/**
 * The `QRCodePNG` of every `CreateVirtualMFADevice` output: a valid image of one white pixel. It contains no QR code;
 * use `Base32StringSeed`.
 */
export const QR_CODE_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);
