// A decoder whose next state is the sum of its state, its memory and its token.
module attributes {vit.model = #vit.model<name = "decoder", task = "generation", source = "", parameters = 0,
    generation = <token = "token", position = "position", scores = "logits", start = [0], end = [1], pad = 0,
                  maxLength = 4>>} {
  func.func @encode(%x: tensor<?x8xf32> {vit.name = "x"}) -> (tensor<?x8xf32> {vit.name = "memory"}) {
    %0 = arith.addf %x, %x : tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
  func.func @step(%token: tensor<?x1xi64> {vit.name = "token"}, %at: tensor<1xi64> {vit.name = "position"},
                  %hidden: tensor<?x8xf32> {vit.name = "state"}, %memory: tensor<?x8xf32> {vit.name = "memory"})
      -> (tensor<?x8xf32> {vit.name = "logits"}, tensor<?x8xf32> {vit.name = "state"}) {
    %0 = arith.sitofp %token : tensor<?x1xi64> to tensor<?x1xf32>
    %1 = arith.addf %hidden, %memory : tensor<?x8xf32>
    %2 = linalg.generic {indexing_maps = [affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (b, 0)>,
                                          affine_map<(b, c) -> (b, c)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%1, %0 : tensor<?x8xf32>, tensor<?x1xf32>) outs(%1 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sum = arith.addf %a, %b : f32
      linalg.yield %sum : f32
    } -> tensor<?x8xf32>
    return %2, %2 : tensor<?x8xf32>, tensor<?x8xf32>
  }
}
