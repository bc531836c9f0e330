/**
 * What `CreateVirtualMFADevice` answers as `QRCodePNG`: a valid picture of one white pixel. It shows no code on purpose,
 * since whoever uses this IAM takes the seed from `Base32StringSeed`.
 */
export const QR_CODE_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);
