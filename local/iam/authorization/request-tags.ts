/** The parameters that say which tags a request writes or removes. */
export interface TaggingRequest {
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly TagKeys?: readonly string[];
}

/** The condition keys for tags that an action's request contains. */
export function tagContext(
  carries: { readonly requestTags?: true; readonly tagKeys?: true },
  { Tags = [], TagKeys = [] }: TaggingRequest,
): Record<string, readonly string[]> {
  const keys = [...Tags.map(({ Key }) => Key), ...TagKeys];
  return {
    ...(carries.requestTags
      ? Object.fromEntries(Tags.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, [Value]]))
      : {}),
    ...(carries.tagKeys && keys.length > 0 ? { 'aws:TagKeys': keys } : {}),
  };
}
