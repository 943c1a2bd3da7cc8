// A real vuex store that keeps the token.
import { createStore } from 'vuex'

export default createStore({
  state: () => ({ token: '' }),
  getters: { token: state => state.token },
  mutations: { token(state, token) { state.token = token } }
})
