/** True in every build but the app's own: a plain browser may then answer from recorded values. */
declare const __FAKE__: boolean;
/** True in the build of the staff page that a server gives to browsers. */
declare const __STAFF_PAGE__: boolean;
/** Version of the pages. */
declare const __VERSION__: string;
