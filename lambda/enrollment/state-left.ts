/** What is known of a device while a request works on it, so that a failure can say what it leaves. */
export class StateLeft {
  device: 'not read' | 'not deactivated' | 'enabled' | 'not enabled' | 'enabled for another user' | 'unknown' =
    'not read';
  claim: 'present' | 'absent' | 'unknown' = 'absent';
  /** Whether this request has sent anything that changes something. */
  wasChanged = false;

  words(claimKey: string): string {
    const device = {
      'not read': [],
      'not deactivated': ['the device was not deactivated'],
      enabled: ['the device is enabled for this user'],
      'not enabled': ['the device is not enabled for this user'],
      'enabled for another user': ['the device stays enabled for another user'],
      unknown: ['it is not known whether the device is enabled, as an answer was lost'],
    }[this.device];
    const claim = {
      present: [`the device carries the claim tag of this enrollment, ${claimKey}`],
      absent: [],
      unknown: [`the device may carry the claim tag of this enrollment, ${claimKey}`],
    }[this.claim];
    return [...device, ...claim, ...(this.wasChanged ? [] : ['nothing was changed'])].join('; ');
  }
}
