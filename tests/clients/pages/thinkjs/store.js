// A store as small as can be: what vuex does for the page of the document.
export default {
  getters: { get token() { return localStorage.getItem('token') } },
  commit(name, value) { localStorage.setItem(name, value) }
}
