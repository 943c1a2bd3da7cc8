// A real vuex store; what it holds outlives a change of page.
const { createStore } = Vuex

export default createStore({
  state: () => ({ token: localStorage.getItem('token') }),
  getters: { token: state => state.token },
  mutations: {
    token(state, token) {
      state.token = token
      localStorage.setItem('token', token)
    }
  }
})
