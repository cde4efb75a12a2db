/** What addresses with a token begin with. Pure, and nothing of Node: clients in browsers tell them by it, too. */
export const TOKEN_PATH = '/t/';
