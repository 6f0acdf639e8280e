/** True in every build but the app's own: a plain browser may then answer from recorded values. */
declare const __FAKE__: boolean;
