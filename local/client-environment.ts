/** Shell commands that point the AWS CLI and the SDKs at the local AWS. */
export function clientEnvironment(url: string, region: string): string {
  return [
    `export AWS_ENDPOINT_URL_IAM=${url}`,
    `export AWS_ENDPOINT_URL_SECRETS_MANAGER=${url}`,
    `export AWS_ENDPOINT_URL_CLOUDFORMATION=${url}`,
    'export AWS_ACCESS_KEY_ID=test',
    'export AWS_SECRET_ACCESS_KEY=test',
    `export AWS_REGION=${region}`,
    `export AWS_DEFAULT_REGION=${region}`,
    'unset AWS_PROFILE AWS_SESSION_TOKEN',
    '',
  ].join('\n');
}
