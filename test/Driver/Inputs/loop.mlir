// h = gelu(W (h + x[:, i])) for six rows; then h doubles until it is large.
vit.weight @w : tensor<8x8xf32> seed(7 mean 0.0 scale 1.0)
func.func @forward(%x: tensor<2x6x8xf32> {vit.name = "x"}) -> (tensor<2x1x8xf32> {vit.name = "y"}) {
  %weights = vit.constant #vit.expr<ref, [@w]> : tensor<8x8xf32>
  %limit = arith.constant 100.0 : f32
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %empty = tensor.empty() : tensor<2x1x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %h = scf.for %i = %c0 to %c6 step %c1 iter_args(%h = %start) -> (tensor<2x1x8xf32>) {
    %row = tensor.extract_slice %x[0, %i, 0] [2, 1, 8] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x1x8xf32>
    %sum = arith.addf %h, %row : tensor<2x1x8xf32> loc("cell.sum")
    %next = vit.linear %sum, %weights : tensor<2x1x8xf32>, tensor<8x8xf32> -> tensor<2x1x8xf32> loc("cell.linear")
    %gate = vit.gelu %next : tensor<2x1x8xf32> loc("cell.gate")
    scf.yield %gate : tensor<2x1x8xf32>
  }
  %y = scf.while (%a = %h) : (tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
    %first = tensor.extract %a[%c0, %c0, %c0] : tensor<2x1x8xf32>
    %size = math.absf %first : f32
    %goes_on = arith.cmpf olt, %size, %limit : f32
    scf.condition(%goes_on) %a : tensor<2x1x8xf32>
  } do {
  ^bb0(%a: tensor<2x1x8xf32>):
    %twice = arith.addf %a, %a : tensor<2x1x8xf32> loc("twice")
    scf.yield %twice : tensor<2x1x8xf32>
  }
  return %y : tensor<2x1x8xf32>
}
